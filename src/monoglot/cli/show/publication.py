"""Where was a model published?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.push import Pushed


def push_lines(pushed: Pushed) -> Iterator[RenderableType]:
    """Show where a model was or would be published, and its files."""
    seen = "private" if pushed.private else "public"
    size = f"{len(pushed.files)} files, {pushed.bytes / 1e6:,.1f} MB"
    if pushed.dry_run:
        yield f"Nothing was sent. To [bold]{escape(pushed.address)}[/] ({seen}) would go {size}:"
        for name, count in zip(pushed.files, pushed.sizes, strict=True):
            yield f"  {escape(name)} ({count:,} bytes)"
    else:
        yield f"[bold]{escape(pushed.address)}[/] ({seen}): {size}"
        yield escape(", ".join(pushed.files))
    if pushed.left_out:
        yield f"left out: {escape(', '.join(pushed.left_out))}"
