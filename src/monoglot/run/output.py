"""The output folder as a whole: may it be replaced, and the replacement itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from monoglot.errors import OutputError
from monoglot.run.atomic_files import remove, sync_folder, writing
from monoglot.run.layout import LAYOUT
from monoglot.visible import is_text

LONGEST_NAME_BYTES = 220
"""File systems allow 255; folders beside the output have longer names."""
REPLACED = "replaced-by-monoglot"
MARK = ".replaced"
"""Lies in ``monoglot`` of an output that is being replaced: only such a folder is put back, or removed."""

logger = logging.getLogger(__name__)


def sibling(output: Path, suffix: str) -> Path:
    """The path beside the output whose name is the output's with a suffix."""
    return output.with_name(f"{output.name}.{suffix}")


@contextmanager
def lock(output: Path) -> Iterator[None]:
    """Keep other processes off an output while the ``with`` block runs.

    The lock file ``OUT.partial.lock`` is removed at the end. After a ``kill`` it stays, but holds no lock.

    Raises:
        OutputError: If another process holds the lock, or the file is something of the user's own.
    """
    path = sibling(output, "partial.lock")
    with writing(output):
        owner = _owner(path)
        own = FileLock(path, blocking=False, fallback_to_soft=False)
        try:
            own.acquire()
        except Timeout:
            raise OutputError(
                f"The output {output} is in use by process {owner}: wait for it or choose another --output."
            ) from None
        except NotImplementedError as error:
            logger.warning("The file system of %s has no locks (%s): don't start two runs.", output, error)
        path.write_text(str(os.getpid()))
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that is open
            path.unlink(missing_ok=True)
        own.release()


def _owner(path: Path) -> str:
    """The number of the process that wrote a lock file.

    Raises:
        OutputError: If it is no lock file.
    """
    text = path.read_text(errors="replace").strip() if path.is_file() else ""
    if (path.exists() and not path.is_file()) or (text and not text.isdigit()):
        raise OutputError(
            f"{path} is needed for the work but is something else: move it away or choose another --output."
        )
    return text or "(unknown)"


def check(output: Path, overwrite: bool) -> None:
    """Refuse an output that must not be replaced.

    Raises:
        OutputError: If it holds something that monoglot did not make, or that the user wants to keep.
    """
    if is_free(output):
        return
    if not is_ours(output):
        raise OutputError(
            f"{output} exists and was not made by monoglot (it has no {LAYOUT.home}/{LAYOUT.manifest}), "
            "so it is left alone: choose another --output."
        )
    if not overwrite:
        raise OutputError(f"{output} exists already: use --overwrite or another --output.")


def check_finished(folder: Path) -> None:
    """Refuse a folder that is no output of a finished run.

    Raises:
        OutputError: If it is not there, or monoglot did not make it.
    """
    if not folder.exists():
        raise OutputError(
            f"there is no folder {folder}: give the folder that specialize, adapt or compare wrote."
        )
    if not (folder / LAYOUT.home / LAYOUT.manifest).is_file():
        raise OutputError(
            f"{folder} was not made by monoglot (it has no monoglot/manifest.json): give the folder that "
            "specialize, adapt or compare wrote."
        )


def check_place(output: Path) -> None:
    """Refuse an output that can't become a folder, as far as can be told without making it.

    Raises:
        OutputError: If it has no name of its own or one that can't be used, is something else, or lies in
            what is not a folder or can't be written to.
    """
    advice = "choose another --output."
    if output.name in ("", ".."):  # `Path` makes a dot of an empty name
        raise OutputError(
            f"The output {str(output)!r} has no name of its own (or is empty); expected the folder to make: "
            f"{advice}"
        )
    if not is_text(str(output)):
        raise OutputError(f"The output {str(output)!r} is not UTF-8, and can't be recorded: {advice}")
    if len(os.fsencode(output.name)) > LONGEST_NAME_BYTES:
        raise OutputError(
            f"The output's name {output.name[:20]}… has {len(os.fsencode(output.name))} bytes; expected at "
            f"most {LONGEST_NAME_BYTES}: {advice}"
        )
    above = next(place for place in output.absolute().parents if os.path.lexists(place))
    if not above.is_dir():
        raise OutputError(f"The output {output} can't be made, because {above} is not a folder: {advice}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise OutputError(f"The output {output} can't be made, because {above} can't be written to: {advice}")
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output} is not a folder; expected the folder to make: {advice}")


def check_apart(output: Path, inputs: Iterable[tuple[str, Path]]) -> None:
    """Refuse an output that would replace what it is made from, or lie in a folder that is read.

    Places are compared, not names: through symbolic links, relative paths and mounts.

    Args:
        output: The folder to make, which need not exist.
        inputs: What is read: what it is to the user, and its place; what does not exist is passed over.

    Raises:
        OutputError: If the output, or the folder beside it in which a run works, is an input, lies in one or
            holds one.
    """
    target = output.resolve()
    partial = sibling(target, "partial")
    for what, path in inputs:
        for place in (target, partial):
            relation = _relation(place, path)
            if relation is not None:
                where = f"The output {output}" if place == target else f"{place}, where the work is done,"
                raise OutputError(f"{where} {relation} {what} ({path}): choose another --output.")


def _relation(place: Path, path: Path) -> str | None:
    """What a folder that is to be made has to do with something that is read."""
    identities = {_identity(each): each for each in (path, *path.resolve().parents)}
    if (identity := _identity(place)) in identities and identity is not None:
        return "is" if identity == _identity(path) else "holds"
    if path.is_dir() and _identity(path) in {_identity(parent) for parent in place.parents}:
        return "lies in"
    return None


def _identity(path: Path) -> tuple[int, int] | None:
    """What two paths to one file or folder have in common; ``None`` if there is nothing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_free(output: Path) -> bool:
    """Whether nothing would be lost by taking this place: there is nothing, or an empty folder."""
    return not output.exists() or (output.is_dir() and not any(output.iterdir()))


def is_ours(folder: Path) -> bool:
    """Whether monoglot made this folder, and completely."""
    return (folder / LAYOUT.home / LAYOUT.manifest).is_file()


def recover(output: Path) -> None:
    """Undo or finish a replacement during which the process was killed."""
    for replaced in _replaced(output):
        if not output.exists():
            replaced.rename(output)
            sync_folder(output.parent)
        else:
            _forget(replaced)
    if (mark := output / LAYOUT.home / MARK).is_file():
        mark.unlink()


def replace(output: Path, partial: Path) -> None:
    """Give the finished folder the name of the output; if that fails, the earlier output is in its place."""
    if is_free(output):
        partial.replace(output)
        sync_folder(output.parent)
        return
    mark = output / LAYOUT.home / MARK
    mark.touch()
    sync_folder(mark.parent)
    replaced = _unused(output)
    output.rename(replaced)
    try:
        partial.rename(output)
    except OSError:
        replaced.rename(output)
        mark.unlink()
        raise
    sync_folder(output.parent)
    _forget(replaced)


def _replaced(output: Path) -> list[Path]:
    """Earlier outputs that a replacement left behind; what the user gave such a name has no mark."""
    if not output.parent.is_dir():
        return []
    beside = (path for path in output.parent.iterdir() if path.name.startswith(f"{output.name}.{REPLACED}"))
    return sorted(path for path in beside if (path / LAYOUT.home / MARK).is_file() and not path.is_symlink())


def _unused(output: Path) -> Path:
    """A name for the earlier output while it is replaced that nothing else has."""
    place, number = sibling(output, REPLACED), 1
    while os.path.lexists(place):
        number += 1
        place = sibling(output, f"{REPLACED}-{number}")
    return place


def _forget(replaced: Path) -> None:
    """Remove an earlier output, its mark last: what is left if that is interrupted is removed next time."""
    with suppress(OSError):
        for path in (*replaced.iterdir(), *(replaced / LAYOUT.home).iterdir()):
            if path.name != LAYOUT.home and path != replaced / LAYOUT.home / MARK:
                remove(path)
        remove(replaced)
