"""Progress of long work: bars with time left on a terminal, lines with the time of day elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
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

PAUSE_SECONDS = 30.0

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
    """Bars with time left, on standard error; where that is no terminal, a line from time to time.

    Tasks may be nested: the bars of all that are open stand one below the other, and vanish with them. A line
    has the time of day, how much is done and how long the rest will take; work that is done sooner than the
    first line would come has none.

    Args:
        console: Where to show it.
        clock: Gives seconds.
        pause_seconds: So long at least there is no further line.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self.console = console or Console(stderr=True)
        self._clock, self._pause_seconds, self._said = clock, pause_seconds, clock()
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
        """Open a task shown as one bar, or as lines."""
        if not self.console.is_terminal:
            yield self._lines(description, total)
            return
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
        if not self.console.is_terminal:
            text = f"{datetime.now():%H:%M:%S} {text}"
            self._said = self._clock()
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _lines(self, description: str, total: float | None) -> Advance:
        """What counts the work of a task, and says from time to time how far it is."""
        started, done = self._clock(), 0.0

        def advance(amount: float) -> None:
            nonlocal done
            done += amount
            now = self._clock()
            if now - self._said < self._pause_seconds:
                return
            words = f"{description}"
            if total and done:
                left = timedelta(seconds=round((now - started) * max(0.0, total - done) / done))
                words += f" {done / total:.0%}, {left} left"
            self.note(words)

        return advance


SILENT: Progress = Silent()
