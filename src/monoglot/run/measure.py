"""What a piece of work costs: wall time, processor time, peak memory."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

try:
    import resource
except ImportError:  # Windows has no such module: times of the process itself, no peak of memory
    resource = None  # type: ignore[assignment]

STATM = Path("/proc/self/statm")
STATUS = Path("/proc/self/status")
SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Measured:
    """The cost of a piece of work.

    Attributes:
        seconds: Wall time.
        cpu_seconds: User and system time of the process, all its threads, and children that have ended.
        peak_memory_bytes: Largest resident memory of the process during the work.
    """

    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


class Meter:
    """Measures the ``with`` block that it guards; the result is in ``measured`` afterwards.

    The system only knows the peak of the whole process so far. If that rises during the work it is the
    work's own, exactly; if not, the work's peak is the largest of samples taken every 20 ms. (Linux could
    reset its peak through ``/proc/self/clear_refs``, but then ``/usr/bin/time`` and batch systems would
    report too little for the process.) Without ``/proc`` it is the peak so far, which is never too low.
    """

    measured: Measured | None = None

    def __init__(self) -> None:
        self._sampled_bytes = 0
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)

    def __enter__(self) -> Self:
        """Start the clocks."""
        self._start = time.perf_counter(), _cpu_seconds(), _peak_bytes()
        if STATM.exists():
            self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clocks."""
        seconds, cpu_seconds, earlier_peak = self._start
        if self._sampler.is_alive():
            self._done.set()
            self._sampler.join()
        peak = _peak_bytes()
        self.measured = Measured(
            seconds=round(time.perf_counter() - seconds, 3),
            cpu_seconds=round(_cpu_seconds() - cpu_seconds, 3),
            peak_memory_bytes=peak if peak > earlier_peak else self._sampled_bytes or peak,
        )

    def _sample(self) -> None:
        done = False
        while not done:
            resident_pages = int(STATM.read_text().split()[1])
            self._sampled_bytes = max(self._sampled_bytes, resident_pages * resource.getpagesize())
            done = self._done.wait(SAMPLE_SECONDS)


def _cpu_seconds() -> float:
    if resource is None:
        return time.process_time()
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_bytes() -> int:
    # Linux' ru_maxrss also counts the process that started this one.
    status = STATUS.read_text().splitlines() if STATUS.exists() else []
    for line in status:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    if resource is None:
        return 0
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes
