"""One stage of a run: what it is made from, the files it made, and how they are found again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monoglot.run.content import Json, content_key, file_hash
from monoglot.run.files import discard, link_or_copy, read_json, remove, sync_folder, sync_tree, write_json
from monoglot.run.measure import Measured, Meter
from monoglot.run.output import HOME

STAGE_FILE = "stage.json"
MEASURED_FILE = "measured.json"


@dataclass(frozen=True)
class Recipe:
    """All that the result of a stage depends on.

    Attributes:
        stage: Name of the stage, and of its folder.
        version: Raised by hand when the stage's code comes to give something else for the same recipe.
        settings: The stage's settings in canonical form.
        inputs: Content key of each input.
    """

    stage: str
    version: int
    settings: Json
    inputs: Mapping[str, str]

    @property
    def key(self) -> str:
        """The hash by which a finished stage is found again."""
        return content_key(self)


@dataclass(frozen=True)
class Record:
    """A finished stage, as its ``stage.json`` tells it.

    Attributes:
        recipe: What it was made from.
        files: SHA-256 of each file it wrote, by path within the stage's folder.
    """

    recipe: Recipe
    files: Mapping[str, str]

    @property
    def content_key(self) -> str:
        """The hash of what the stage wrote: the key of an input for the stages that read it."""
        return content_key(self.files)

    def to_json(self) -> dict[str, Json]:
        """The record as plain JSON, together with the keys that follow from it."""
        keys = {"key": self.recipe.key, "content_key": self.content_key}
        return {**dataclasses.asdict(self.recipe), **keys, "files": dict(self.files)}

    @classmethod
    def load(cls, path: Path) -> Record | None:
        """Read a ``stage.json``; ``None`` if it is missing or not a record."""
        try:
            fields = read_json(path)
            names = [field.name for field in dataclasses.fields(Recipe)]
            return cls(Recipe(**{name: fields[name] for name in names}), fields["files"])
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
        folder = root / HOME / self.recipe.stage
        places: dict[str, Path] = {}
        for name, expected in self.files.items():
            place = next((path for path in (folder / name, root / name) if path.is_file()), None)
            if place is None or file_hash(place) != expected:
                return None
            places[name] = place
        return places


def reuse(recipe: Recipe, partial: Path, output: Path) -> Record | None:
    """Find the finished stage of a recipe, in the partial folder or in an output that is to be replaced.

    Args:
        recipe: What the stage is to be made from.
        partial: The folder in which the run works; a stage found elsewhere is linked into it.
        output: The folder that the user asked for.

    Returns:
        The record of the stage, or ``None`` if it has to be computed.
    """
    home = partial / HOME
    for root in (partial, output):
        folder = root / HOME / recipe.stage
        record = Record.load(folder / STAGE_FILE)
        places = record.locate(root) if record and record.recipe.key == recipe.key else None
        if record is None or places is None:
            continue
        if any(place != home / recipe.stage / name for name, place in places.items()):
            with _becoming(home, recipe.stage) as temporary:
                records = {name: folder / name for name in (STAGE_FILE, MEASURED_FILE)}
                for name, place in {**places, **records}.items():
                    if place.exists():
                        link_or_copy(place, temporary / name)
        return record
    return None


def compute(recipe: Recipe, partial: Path, work: Callable[[Path], None]) -> Record:
    """Make a stage, measure it and write its records.

    Args:
        recipe: What the stage is made from.
        partial: The folder in which the run works.
        work: Writes the files of the stage into the empty folder it is given.

    Returns:
        The record of the stage.

    Raises:
        ValueError: If the work wrote a file under a name that is kept for the records.
    """
    with _becoming(partial / HOME, recipe.stage) as folder:
        with Meter() as meter:
            work(folder)
        return seal(folder, recipe, meter.measured)


def seal(folder: Path, recipe: Recipe, measured: Measured | None) -> Record:
    """Complete the folder of a stage with its records.

    Args:
        folder: The folder, with everything that the stage wrote.
        recipe: What it was made from.
        measured: What that cost.

    Returns:
        The record that was written.

    Raises:
        ValueError: If the stage wrote a file under a name that is kept for the records.
    """
    paths = {
        path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()
    }
    if taken := paths.keys() & {STAGE_FILE, MEASURED_FILE}:
        raise ValueError(f"The stage {recipe.stage!r} wrote {sorted(taken)}: names kept for the records.")
    for path in paths.values():
        # safetensors lets only the owner read its files; give them what the user's umask gave the folder.
        path.chmod(folder.stat().st_mode & 0o666)
    record = Record(recipe, {name: file_hash(path) for name, path in paths.items()})
    write_json(folder / STAGE_FILE, record.to_json())
    write_json(folder / MEASURED_FILE, measured and dataclasses.asdict(measured))
    return record


def load_measured(folder: Path) -> Measured | None:
    """What computing a stage cost; ``None`` if nobody noted it."""
    try:
        return Measured(**read_json(folder / MEASURED_FILE))
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
