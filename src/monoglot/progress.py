"""Progress of long work: bars with time left on a terminal, nothing when piped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress as Bars,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Advance = Callable[[float], None]


class Progress(Protocol):
    """Something that shows how far a piece of work is."""

    def task(self, description: str, total: float | None = None) -> AbstractContextManager[Advance]:
        """Open one piece of work; the value given by ``with`` advances it by so many units."""
        ...

    def note(self, text: str) -> None:
        """Say what has been done."""
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
    """Bars with time left, on standard error; silent where standard error is not a terminal.

    Tasks may be nested: the bars of all that are open stand one below the other, and vanish with them.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._open_tasks = 0
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Open a task shown as one bar."""
        handle = self._bars.add_task(description, total=total)
        if self._open_tasks == 0:
            self._bars.start()
        self._open_tasks += 1
        try:
            yield lambda amount: self._bars.advance(handle, amount)
        finally:
            self._open_tasks -= 1
            self._bars.remove_task(handle)
            if self._open_tasks == 0:
                self._bars.stop()

    def note(self, text: str) -> None:
        """Print a line that stays."""
        if self.console.is_terminal:
            self.console.print(text, highlight=False)


SILENT: Progress = Silent()
