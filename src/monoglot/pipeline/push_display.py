"""What was published, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from monoglot.visible import escape

if TYPE_CHECKING:  # imports the hub's client, which takes its time
    from monoglot.pipeline.push import Pushed


def push_lines(pushed: Pushed) -> Iterator[RenderableType]:
    """Where it is, and what it is made of."""
    seen = "private" if pushed.private else "public"
    size = f"{len(pushed.files)} files, {pushed.bytes / 1e6:,.1f} MB"
    yield f"[bold]{escape(pushed.address)}[/] ({seen}): {size}"
    yield escape(", ".join(pushed.files))
    if pushed.left_out:
        yield f"left out: {escape(', '.join(pushed.left_out))}"
