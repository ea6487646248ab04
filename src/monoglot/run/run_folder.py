"""The run folder: opens it, computes or reuses its stages, publishes it with a manifest."""

from __future__ import annotations

import dataclasses
import logging
import platform
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from monoglot.errors import OutputError
from monoglot.run.atomic_files import (
    atomic_write,
    computing,
    discard,
    link_or_copy,
    read_json,
    remove,
    sync_tree,
    write_json,
    writing,
)
from monoglot.run.hashing import Json, canonical
from monoglot.run.layout import LAYOUT
from monoglot.run.output import check, lock, recover, replace, sibling
from monoglot.run.own_files import keep, named, own_files
from monoglot.run.stage import (
    Measured,
    Record,
    StageKey,
    compute,
    load_measured,
    reuse,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Artifact:
    """A finished stage.

    Attributes:
        name: Name of the stage.
        folder: Where its files are, until the run is published.
        key: Hash of the content of its files: what the stages that read them name as their input.
        reused: Whether it was found, not computed.
        measured: What computing it cost, in this run or in the one that did.
    """

    name: str
    folder: Path
    key: str
    reused: bool
    measured: Measured | None


class Run:
    """A run on one output folder; `monoglot.run` says what lies where.

    Example::

        with Run.open(output) as run:
            corpus = file_hash(path)
            tokens = run.stage("tokens", write_tokens, settings=settings, inputs={"corpus": corpus})
            model = run.stage("model", write_model, inputs={"tokens": tokens.key})
            run.publish(model, description=Description(settings, {"corpus": corpus}, seed=42))

    Attributes:
        output: The folder that the user asked for; it exists when the run is published.
        partial: The folder in which the run works until then.
        artifacts: The stages so far, by name, in the order in which they were asked for.
        happened: What depends on how often the run was interrupted; it goes into ``measured.json``.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.partial = sibling(output, "partial")
        self._home = self.partial / LAYOUT.home
        self._records: dict[str, Record] = {}
        self._own_files: list[Path] = []
        self.artifacts: dict[str, Artifact] = {}
        self.happened: dict[str, Json] = {}
        self._started, self._clock = datetime.now(UTC), time.perf_counter()

    @classmethod
    @contextmanager
    def open(cls, output: Path, overwrite: bool = False) -> Iterator[Run]:
        """Begin a run, or continue the one that was interrupted.

        Args:
            output: The folder to make; nothing of it is touched before `publish`.
            overwrite: Whether to replace what an earlier run made there, reusing what has not changed; files
                that no run made are kept.

        Yields:
            The run. Finished stages are kept if the ``with`` block ends early; unfinished ones are removed.

        Raises:
            OutputError: If the output exists, was not made by monoglot, is in use, or can't be written.
        """
        output = output.resolve()
        with writing(output):
            output.parent.mkdir(parents=True, exist_ok=True)
        with lock(output):
            run = cls(output)
            with writing(output):
                recover(output)
                check(output, overwrite)
                run._prepare()
                run._find_own_files()
            try:
                yield run
            finally:
                run._tidy()

    def stage(
        self,
        name: str,
        work: Callable[[Path], None],
        *,
        version: int = 1,
        settings: object = None,
        inputs: Mapping[str, str] | None = None,
    ) -> Artifact:
        """Give the files of a stage, computing them only if it has not been done from the same things before.

        Args:
            name: Name of the stage, used once in a run.
            work: Writes the stage's files into the empty folder it is given.
            version: To be raised when ``work`` comes to give something else for the same settings and inputs.
            settings: All settings on which the result depends: frozen dataclasses or other plain values.
            inputs: Content key of each input: a `file_hash`, or the ``key`` of an earlier stage.

        Returns:
            The finished stage.

        Raises:
            OutputError: If the disk is full.
            ValueError: If the run has had a stage of this name already.
        """
        if name in self._records:
            raise ValueError(f"The run has had a stage {name!r} already.")
        stage_key = StageKey(name, version, canonical(settings), dict(inputs or {}))
        with computing(self.output):
            found = reuse(stage_key, self.partial, self.output)
            record = found or compute(stage_key, self.partial, work)
        folder = self._home / name
        artifact = Artifact(name, folder, record.content_key, found is not None, load_measured(folder))
        self._records[name], self.artifacts[name] = record, artifact
        return artifact

    def publish(
        self,
        *artifacts: Artifact,
        description: Description,
        config: str = "",
        finish: Callable[[Path], None] | None = None,
    ) -> Path:
        """Complete the output: put files at its root, write the manifest, give the folder its name.

        All files have reached the disk before the folder gets its name.

        Args:
            artifacts: The stages whose files belong at the root; they are moved there, not copied.
            description: What the manifest says beside the stages.
            config: The run as a file that repeats it, if there is to be one.
            finish: Is given the folder when all else is in it, to write what is made from it, such as a
                report: if that is interrupted there is no output yet, and the same run continues.

        Returns:
            The output folder.

        Raises:
            OutputError: If the file system refuses; an earlier output is then still in its place.
            ValueError: If two files have the same place at the root.
        """
        stages = [artifact.name for artifact in artifacts]
        content = manifest(self._records.values(), stages, description)
        with writing(self.output):
            self._remove_leftovers()
            for stage in stages:
                self._move_to_root(stage)
            if (self.output / LAYOUT.card).is_file():  # what the user wrote there outlives --overwrite
                link_or_copy(self.output / LAYOUT.card, self.partial / LAYOUT.card)
            if config:
                with atomic_write(self._home / LAYOUT.config) as file:
                    file.write(config)
            write_json(self._home / LAYOUT.manifest, content)
            write_json(self._home / LAYOUT.measured, self._costs())
            keep(self.output, self.partial, self._own_files)
        if finish is not None:
            finish(self.partial)
        with writing(self.output):
            sync_tree(self.partial)
            replace(self.output, self.partial)
        return self.output

    def _prepare(self) -> None:
        if foreign := self._foreign():
            raise OutputError(
                f"{self.partial} is needed for the work but holds something else ({named(foreign)}): "
                "move it away or choose another --output."
            )
        self._home.mkdir(parents=True, exist_ok=True)
        for unfinished in self._home.glob(".*"):
            remove(unfinished)

    def _foreign(self) -> list[Path]:
        """What lies in the partial folder and was not put there by a run that was interrupted."""
        if not self.partial.is_dir() or self.partial.is_symlink():
            return [Path(self.partial.name)] if self.partial.exists() or self.partial.is_symlink() else []
        stages = list(self._home.iterdir()) if self._home.is_dir() and not self._home.is_symlink() else []
        records = {path.name: Record.load(path / LAYOUT.record) for path in stages if path.is_dir()}
        files = (LAYOUT.manifest, LAYOUT.config, LAYOUT.measured)
        foreign = [
            Path(LAYOUT.home, path.name)
            for path in stages
            if not (path.name in files or (path / LAYOUT.record).exists() or _is_temporary(path))
        ]
        if (self._home / LAYOUT.manifest).is_file():  # killed while it was published: anything may lie there
            return []
        known = {LAYOUT.home, LAYOUT.card, *LAYOUT.work}
        known |= {Path(name).parts[0] for record in records.values() if record for name in record.files}
        return foreign + [Path(path.name) for path in self.partial.iterdir() if path.name not in known]

    def _find_own_files(self) -> None:
        """Find what the user has put into the output that is to be replaced, and say that it is kept."""
        if not (self.output / LAYOUT.home / LAYOUT.manifest).is_file():
            return
        self._own_files = own_files(self.output)
        if self._own_files:
            logger.warning(
                "%s holds %s, not made by monoglot: kept in the new output.",
                self.output,
                named(self._own_files),
            )

    def _remove_leftovers(self) -> None:
        """Remove stages that this run has not asked for, and files of a publication that was interrupted."""
        for path in self._home.iterdir():
            if path.name not in self._records:
                discard(path)
        for path in self.partial.iterdir():
            if path != self._home:
                remove(path)

    def _move_to_root(self, stage: str) -> None:
        folder = self._home / stage
        for name in self._records[stage].files:
            target = self.partial / name
            if target.exists() or target.is_relative_to(self._home):
                raise ValueError(f"The stage {stage!r} can't be published: {name} has its place taken.")
            target.parent.mkdir(parents=True, exist_ok=True)
            (folder / name).rename(target)
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir():
                path.rmdir()

    def _costs(self) -> dict[str, Json]:
        stages = {
            name: {**dataclasses.asdict(artifact.measured), "reused": artifact.reused}
            for name, artifact in self.artifacts.items()
            if artifact.measured
        }
        return {
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - self._clock, 3),
            "command": shlex.join(sys.argv),
            FOLDER: _here(),
            "stages": stages,
            **self.happened,
        }

    def _tidy(self) -> None:
        """Leave nothing behind if there is nothing worth continuing from."""
        if self._home.is_dir() and not any(self._home.glob(f"*/{LAYOUT.record}")):
            shutil.rmtree(self.partial, ignore_errors=True)


def _is_temporary(path: Path) -> bool:
    """Whether a name is that of a stage, or a file, that was not finished."""
    return path.name.startswith(".") and ".tmp" in path.name


FOLDER = "folder"
"""In `LAYOUT.measured`: where relative names of the run's inputs start."""


def recorded_name(home: Path, name: str) -> str:
    """Give the name of a model as it is found from here.

    Args:
        home: The folder of the run that recorded the name, ``OUT/monoglot``.
        name: The name: of a folder, perhaps relative to where that run was started, or of the hub.

    Returns:
        The folder's whole path, where the run was started elsewhere and has a folder of that name there; else
        the name as it is.
    """
    file = home / LAYOUT.measured
    started = read_json(file).get(FOLDER) if file.is_file() else None
    if not isinstance(started, str) or started == _here():
        return name
    path = Path(started, Path(name).expanduser())
    return str(path) if path.is_dir() else name


def _here() -> str | None:
    """The folder in which monoglot was started; ``None`` if it has been removed since."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


PACKAGES = (
    "monoglot",
    "torch",
    "transformers",
    "tokenizers",
    "sentencepiece",
    "fasttext-community",
    "datasets",
    "safetensors",
    "numpy",
)


@dataclass(frozen=True)
class Description:
    """What a manifest says of a run beside its stages.

    Attributes:
        settings: The settings of the whole run.
        inputs: Content hash of each of the user's inputs.
        seed: The seed of the run.
        names: What the user called each input.
        proof: What shows that the output does what it is said to do, if the run has proved it.
        kept: What was kept beside what the corpus asks for, and why, if anything was.
        quality: Scores of the output and its original on held-out lines.
    """

    settings: object
    inputs: Mapping[str, str]
    seed: int
    names: Mapping[str, Json] = field(default_factory=dict)
    proof: Mapping[str, Json] | None = None
    kept: Mapping[str, Json] | None = None
    quality: Mapping[str, Json] | None = None


def manifest(
    records: Iterable[Record], published: Iterable[str], description: Description
) -> dict[str, Json]:
    """Describe a run: the same for two runs of the same thing on the same machine.

    Args:
        records: The finished stages, in the order in which they were asked for.
        published: Names of the stages whose files lie at the root of the output.
        description: Everything else.

    Returns:
        The content of ``manifest.json``.

    Raises:
        TypeError: If the settings hold something without a canonical form, such as a path.
    """
    parts = {name: getattr(description, name) for name in ("proof", "kept", "quality")}
    shown = {name: dict(part) for name, part in parts.items() if part is not None}
    return {
        "settings": canonical(description.settings),
        "inputs": dict(description.inputs),
        "names": dict(description.names),
        "seed": description.seed,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "platform": platform.platform(),
        "published": list(published),
        **shown,
        "stages": {record.stage_key.stage: record.to_json() for record in records},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
