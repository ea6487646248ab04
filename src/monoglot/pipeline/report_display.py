"""What was written of a run, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from monoglot.visible import escape

if TYPE_CHECKING:  # draws and loads models, which takes its time
    from monoglot.pipeline.report import Report


def report_lines(report: Report) -> Iterator[RenderableType]:
    """The files, and what was left out."""
    yield f"[bold]{escape(report.page)}[/]"
    if report.figures:
        yield f"{len(report.figures)} drawings in {escape(str(Path(report.figures[0]).parent))}"
    yield escape(report.card) if report.card else "README.md was left alone: it is not as monoglot wrote it."
    for note in report.notes:
        yield f"[yellow]note:[/] {escape(note)}"
