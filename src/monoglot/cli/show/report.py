"""Which files does a report consist of?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.report import Report


def report_lines(report: Report) -> Iterator[RenderableType]:
    """Show the files of a report, and what was left out."""
    yield f"[bold]{escape(report.page)}[/]"
    if report.figures:
        yield f"{len(report.figures)} drawings in {escape(str(Path(report.figures[0]).parent))}"
    if report.card:
        yield escape(report.card)
    for note in report.notes:
        yield f"[yellow]note:[/] {escape(note)}"
