"""One stage of a run: its key, its record, how it is found again, and what it cost."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psutil

from monoglot.run.atomic_files import (
    discard,
    link_or_copy,
    read_json,
    remove,
    sync_folder,
    sync_tree,
    write_json,
)
from monoglot.run.hashing import Json, content_key, file_hash
from monoglot.run.layout import LAYOUT


@dataclass(frozen=True)
class StageKey:
    """All that the result of a stage depends on.

    Attributes:
        stage: Name of the stage, and of its folder.
        version: Raised by hand when the stage's code gives another result for the same settings and inputs.
        settings: The stage's settings in canonical form.
        inputs: Content key of each input.
    """

    persisted_name: ClassVar[str] = "Recipe"
    stage: str
    version: int
    settings: Json
    inputs: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The hash by which a finished stage is found again."""
        return content_key(self)


@dataclass(frozen=True)
class Record:
    """A finished stage, as its ``stage.json`` tells it.

    Attributes:
        stage_key: What it was made from.
        files: SHA-256 of each file it wrote, by path within the stage's folder.
    """

    stage_key: StageKey
    files: Mapping[str, str]

    @property
    def content_key(self) -> str:
        """The hash of what the stage wrote: the key of an input for the stages that read it."""
        return content_key(self.files)

    def to_json(self) -> dict[str, Json]:
        """The record as plain JSON, together with the keys that follow from it."""
        keys = {"key": self.stage_key.digest, "content_key": self.content_key}
        return {**dataclasses.asdict(self.stage_key), **keys, "files": dict(self.files)}

    @classmethod
    def load(cls, path: Path) -> Record | None:
        """Read a ``stage.json``; ``None`` if it is missing or not a record."""
        try:
            fields = read_json(path)
            names = [field.name for field in dataclasses.fields(StageKey)]
            return cls(StageKey(**{name: fields[name] for name in names}), fields["files"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def locate(self, root: Path) -> dict[str, Path] | None:
        """Find each file of the stage in its folder or, once published, at the root.

        Args:
            root: The output folder, or the partial one.

        Returns:
            The place of each file, or ``None`` if one is missing or no longer what the stage wrote. Whole
            files are compared, for somebody may have trained the published model on and saved it in place.
        """
        folder = root / LAYOUT.home / self.stage_key.stage
        places: dict[str, Path] = {}
        for name, expected in self.files.items():
            place = next((path for path in (folder / name, root / name) if path.is_file()), None)
            if place is None or file_hash(place) != expected:
                return None
            places[name] = place
        return places


def reuse(stage_key: StageKey, partial: Path, output: Path) -> Record | None:
    """Find the finished stage of a key, in the partial folder or in an output that is to be replaced.

    Args:
        stage_key: What the stage is to be made from.
        partial: The folder in which the run works; a stage found elsewhere is linked into it.
        output: The folder that the user asked for.

    Returns:
        The record of the stage, or ``None`` if it has to be computed.
    """
    home = partial / LAYOUT.home
    for root in (partial, output):
        folder = root / LAYOUT.home / stage_key.stage
        record = Record.load(folder / LAYOUT.record)
        places = record.locate(root) if record and record.stage_key.digest == stage_key.digest else None
        if record is None or places is None:
            continue
        if any(place != home / stage_key.stage / name for name, place in places.items()):
            with _becoming(home, stage_key.stage) as temporary:
                records = {name: folder / name for name in (LAYOUT.record, LAYOUT.measured)}
                for name, place in {**places, **records}.items():
                    if place.exists():
                        link_or_copy(place, temporary / name)
        return record
    return None


def compute(stage_key: StageKey, partial: Path, work: Callable[[Path], None]) -> Record:
    """Make a stage, measure it and write its records.

    Args:
        stage_key: What the stage is made from.
        partial: The folder in which the run works.
        work: Writes the files of the stage into the empty folder it is given.

    Returns:
        The record of the stage.

    Raises:
        ValueError: If the work wrote a file under a name that is kept for the records.
    """
    with _becoming(partial / LAYOUT.home, stage_key.stage) as folder:
        with Meter() as meter:
            work(folder)
        return seal(folder, stage_key, meter.measured)


def seal(folder: Path, stage_key: StageKey, measured: Measured | None) -> Record:
    """Complete the folder of a stage with its records.

    Args:
        folder: The folder, with everything that the stage wrote.
        stage_key: What it was made from.
        measured: What that cost.

    Returns:
        The record that was written.

    Raises:
        ValueError: If the stage wrote a file under a name that is kept for the records.
    """
    paths = {
        path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()
    }
    if taken := paths.keys() & {LAYOUT.record, LAYOUT.measured}:
        raise ValueError(f"The stage {stage_key.stage!r} wrote {sorted(taken)}: names kept for the records.")
    for path in paths.values():
        # safetensors lets only the owner read its files; give them what the user's umask gave the folder.
        path.chmod(folder.stat().st_mode & 0o666)
    record = Record(stage_key, {name: file_hash(path) for name, path in paths.items()})
    write_json(folder / LAYOUT.record, record.to_json())
    write_json(folder / LAYOUT.measured, measured and dataclasses.asdict(measured))
    return record


def load_measured(folder: Path) -> Measured | None:
    """What computing a stage cost; ``None`` if nobody noted it."""
    try:
        return Measured(**read_json(folder / LAYOUT.measured))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def _becoming(home: Path, stage: str) -> Iterator[Path]:
    """Give an empty folder that becomes the stage's when the ``with`` block ends without an error."""
    temporary, final = home / f".{stage}.tmp", home / stage
    temporary.mkdir()
    try:
        yield temporary
        sync_tree(temporary)
        discard(final)
        temporary.rename(final)
        sync_folder(home)
    finally:
        remove(temporary)


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
    work's own, exactly; if not, the work's peak is the largest of samples taken every 20 ms. Samples alone
    miss short peaks: of 200 MB that are allocated for 1 ms beside 20 MB, they saw 30 to 60. (Linux could
    reset its peak through ``/proc/self/clear_refs``, but then ``/usr/bin/time`` and batch systems would
    report too little for the process.)
    """

    measured: Measured | None = None

    def __init__(self) -> None:
        self._sampled_bytes = 0
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)

    def __enter__(self) -> Self:
        """Start the clocks."""
        self._start = time.perf_counter(), _cpu_seconds(), _peak_bytes()
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clocks."""
        seconds, cpu_seconds, earlier_peak = self._start
        self._done.set()
        self._sampler.join()
        peak = _peak_bytes()
        self.measured = Measured(
            seconds=round(time.perf_counter() - seconds, 3),
            cpu_seconds=round(_cpu_seconds() - cpu_seconds, 3),
            peak_memory_bytes=peak if peak > earlier_peak else self._sampled_bytes,
        )

    def _sample(self) -> None:
        process, done = psutil.Process(), False
        while not done:
            self._sampled_bytes = max(self._sampled_bytes, process.memory_info().rss)
            done = self._done.wait(SAMPLE_SECONDS)


def _cpu_seconds() -> float:
    """Time of this process, to the microsecond, and of children that have ended, in steps of 10 ms."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def _peak_bytes() -> int:
    """Largest resident memory of the process so far; 0 where the system does not tell."""
    if STATUS.exists():  # psutil has no peak on Linux, and ru_maxrss counts the process that started this one
        lines = STATUS.read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return getattr(psutil.Process().memory_info(), "peak_wset", 0)
