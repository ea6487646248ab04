"""Progress of long work: a bar with time left on a terminal, nothing when piped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress as Bars, TaskProgressColumn, TextColumn, TimeRemainingColumn

Advance = Callable[[float], None]


class Progress(Protocol):
    """Something that shows how far a piece of work is."""

    def task(self, description: str, total: float | None = None) -> AbstractContextManager[Advance]:
        """Open one piece of work; the value given by ``with`` advances it by so many units."""
        ...

    def note(self, text: str) -> None:
        """Say what is being done."""
        ...


class Silent:
    """Shows nothing: the default of every Python function."""

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Open a task that nobody sees."""
        yield lambda amount: None

    def note(self, text: str) -> None:
        """Say nothing."""


class Terminal:
    """Bars with time left, on standard error; silent where standard error is not a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Open a task shown as one bar, removed again when the work is done."""
        if not self.console.is_terminal:
            yield lambda amount: None
            return
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=self.console, transient=True) as bars:
            handle = bars.add_task(description, total=total)
            yield lambda amount: bars.advance(handle, amount)

    def note(self, text: str) -> None:
        """Print a line that stays."""
        if self.console.is_terminal:
            self.console.print(text, highlight=False)


SILENT: Progress = Silent()
