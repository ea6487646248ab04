"""Finds and keeps the user's own files in an output that is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from monoglot.errors import OutputError
from monoglot.run.atomic_files import link_or_copy, read_json
from monoglot.run.layout import LAYOUT

REPORTED = (LAYOUT.page, LAYOUT.evaluation)
"""What `report` writes beside the stages, and `DRAWN` in the folder of figures."""
DRAWN = (".svg", ".png", ".csv")
MOST_NAMED = 5


def own_files(output: Path) -> list[Path]:
    """Find what lies in an output but was not written there by monoglot.

    The manifest names every file of every stage. A file that has changed since counts as monoglot's, for it
    is what ``--overwrite`` asks to have made again.

    Args:
        output: A folder that monoglot made.

    Returns:
        Paths within the output of files, symbolic links and empty folders, sorted.

    Raises:
        OutputError: If the manifest can't be read, so that nobody knows.
    """
    known = _known(output)
    return sorted(path for path in _walk(output) if path not in known and not _is_drawing(path))


def keep(output: Path, partial: Path, paths: Sequence[Path]) -> None:
    """Give files of an output a second place in the folder that will replace it.

    Args:
        output: The output that is to be replaced.
        partial: The folder that will take its place.
        paths: Paths within both.

    Raises:
        OutputError: If the new output has something of its own in the place of one.
    """
    taken = [path for path in paths if _is_taken(output, partial, path)]
    if taken:
        raise OutputError(
            f"{output} holds {named(taken)}, not made by monoglot, where the new output has files of its "
            "own: move them away and run the same command again (what is finished is kept)."
        )
    for path in paths:
        source, target = output / path, partial / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_dir():
            target.mkdir(exist_ok=True)
        elif source.is_file():
            link_or_copy(source, target)
        else:
            raise OutputError(
                f"{source} is not a regular file, so it can't be kept: move it out of {output}."
            )


def named(paths: Sequence[Path]) -> str:
    """A few paths as a person reads them, and how many more there are."""
    shown = ", ".join(path.as_posix() for path in paths[:MOST_NAMED])
    return shown if len(paths) <= MOST_NAMED else f"{shown} and {len(paths) - MOST_NAMED} more"


def _known(output: Path) -> set[Path]:
    """Everything that monoglot wrote."""
    path = output / LAYOUT.home / LAYOUT.manifest
    try:
        manifest = read_json(path)
        home, known = Path(LAYOUT.home), {Path(LAYOUT.card)}
        known |= {home / name for name in (LAYOUT.manifest, LAYOUT.config, LAYOUT.measured, *REPORTED)}
        for name, stage in manifest["stages"].items():
            known |= {home / name / file for file in (LAYOUT.record, LAYOUT.measured, *stage["files"])}
            if name in manifest["published"]:
                known |= {Path(file) for file in stage["files"]}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(
            f"{path} can't be read, so it is unknown which files of {output} monoglot made: choose "
            "another --output, or move that folder away."
        ) from error
    return known


def _walk(output: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(output):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*links, *files):
            yield (here / name).relative_to(output)
        own = here.relative_to(output)
        if not folders and not files and here.name != LAYOUT.home and LAYOUT.home not in own.parts:
            yield own


def _is_drawing(path: Path) -> bool:
    return path.parent == Path(LAYOUT.home) / LAYOUT.figures and path.suffix in DRAWN


def _is_taken(output: Path, partial: Path, path: Path) -> bool:
    """Whether a file can't have its place because there is something, or no folder for it."""
    target = partial / path
    if os.path.lexists(target):
        return not all(place.is_dir() and not place.is_symlink() for place in (output / path, target))
    parents = [partial / parent for parent in path.parents]
    return any(os.path.lexists(parent) and not parent.is_dir() for parent in parents)
