"""What did the demo do, and what is there to try next?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from monoglot.cli.show.comparison import comparison_tables
from monoglot.cli.show.summary import summary_table
from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.demo import Demo

WORD = {"de": "Krankenversicherung", "sw": "wanafunzi"}


def demo_tables(demo: Demo) -> Iterator[RenderableType]:
    """The scoreboard, what became of the model, and what to try next."""
    yield ""
    yield from comparison_tables(demo.comparison)
    yield ""
    yield from summary_table(demo.summary)
    yield ""
    yield f"[bold]Open the report:[/] {escape(str(Path(demo.page).resolve()))}"
    yield "Next: see what a word is made of, and run the same on your own model and text:"
    yield f"  monoglot explain {escape(demo.model)} {WORD[demo.language]}"
    yield "  monoglot plan MODEL TEXT…"
