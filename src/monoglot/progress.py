"""Progress of long work: bars on a terminal or in a notebook, lines with the time of day elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from threading import Event, Lock, Thread
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

from monoglot.visible import visible

PAUSE_SECONDS = 60.0
SHORTEST_WAIT_SECONDS = 0.01

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
    """Bars with time left, on standard error or in a notebook with ipywidgets; elsewhere a line a minute.

    Tasks may be nested: the bars of all that are open stand one below the other, and vanish with them. A line
    has the time of day, how much is done and how long the rest will take, or how long it has taken; work
    that is done sooner than the first line would come has none.

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
        self._works: list[_Work] = []
        self._lock = Lock()
        self._has_bars = self.console.is_terminal or (self.console.is_jupyter and _has_widgets())
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self._has_bars,
        )

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Open a task shown as one bar, or as lines."""
        if not self._has_bars:
            with self._lines(description, total) as advance:
                yield advance
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
        """Print a line that stays; names in it come from files and folders, and can't color the terminal."""
        text = visible(text)
        if not self.console.is_terminal:
            text = f"{datetime.now():%H:%M:%S} {text}"
            self._said = self._clock()
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def _lines(self, description: str, total: float | None) -> Iterator[Advance]:
        """Count the work of a task, and say from time to time how far it is, even if nothing is counted."""
        work = _Work(description, total, self._clock())
        self._works.append(work)
        ended = Event()
        if len(self._works) == 1:
            Thread(target=self._watch, args=(ended,), daemon=True).start()

        def advance(amount: float) -> None:
            work.done += amount
            self._say_if_due()

        try:
            yield advance
        finally:
            ended.set()
            self._works.remove(work)

    def _watch(self, ended: Event) -> None:
        """Say how far the work is when it has been silent for a while, until the outermost task ends."""
        while not ended.wait(max(SHORTEST_WAIT_SECONDS, self._said + self._pause_seconds - self._clock())):
            self._say_if_due()

    def _say_if_due(self) -> None:
        with self._lock:
            now = self._clock()
            if self._works and now - self._said >= self._pause_seconds:
                self.note(self._works[-1].words(now))


@dataclass
class _Work:
    """How far a task is that is told of in lines."""

    description: str
    total: float | None
    started: float
    done: float = 0.0

    def words(self, now: float) -> str:
        """Describe it: with its share and the time left where they are known, else with the time so far."""
        elapsed = now - self.started
        if not (self.total and self.done):
            return f"{self.description}, {timedelta(seconds=round(elapsed))} so far"
        left = timedelta(seconds=round(elapsed * max(0.0, self.total - self.done) / self.done))
        return f"{self.description} {self.done / self.total:.0%}, {left} left"


def _has_widgets() -> bool:
    """Whether a notebook can show bars: rich draws them with ipywidgets."""
    return find_spec("ipywidgets") is not None


SILENT: Progress = Silent()


def reporter(progress: Progress | bool) -> Progress:
    """Give what a caller chose: ``True`` is a bar on a terminal or in a notebook, lines elsewhere.

    Args:
        progress: Whether to show how far the work is, or where.
    """
    if isinstance(progress, bool):
        return Terminal() if progress else SILENT
    return progress
