"""The output folder as a whole: is it free, may it be replaced, and the replacement itself."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monoglot.errors import OutputError
from monoglot.run.files import writing

HOME = "monoglot"
MANIFEST_FILE = "manifest.json"
CARD = "README.md"

logger = logging.getLogger(__name__)


def sibling(output: Path, suffix: str) -> Path:
    """The path beside the output whose name is the output's with a suffix."""
    return output.with_name(f"{output.name}.{suffix}")


@contextmanager
def lock(output: Path) -> Iterator[None]:
    """Keep other processes off an output while the ``with`` block runs.

    The lock file ``OUT.partial.lock`` is removed at the end. After a ``kill`` it stays, but holds no lock.

    Raises:
        OutputError: If another process holds the lock.
    """
    path = sibling(output, "partial.lock")
    while True:
        with writing(output):
            file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                file.seek(0)
                owner = file.read().strip() or "(unknown)"
            raise OutputError(
                f"The output {output} is in use by process {owner}: wait for it or choose another --output."
            ) from None
        except OSError as error:
            logger.warning("The file system of %s has no locks (%s): don't start two runs.", output, error)
        # The last owner may have removed the file between our opening and locking it: then it guards nothing.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            break
        file.close()
    with file:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def check(output: Path, overwrite: bool) -> None:
    """Refuse an output that must not be replaced.

    Raises:
        OutputError: If it holds something that monoglot did not make, or that the user wants to keep.
    """
    if is_free(output):
        return
    if not is_ours(output):
        raise OutputError(
            f"{output} exists and was not made by monoglot (it has no {HOME}/{MANIFEST_FILE}), so it is left "
            "alone: choose another --output."
        )
    if not overwrite:
        raise OutputError(f"{output} exists already: use --overwrite or another --output.")


def is_free(output: Path) -> bool:
    """Whether nothing would be lost by taking this place: there is nothing, or an empty folder."""
    return not output.exists() or (output.is_dir() and not any(output.iterdir()))


def is_ours(folder: Path) -> bool:
    """Whether monoglot made this folder, and completely."""
    return (folder / HOME / MANIFEST_FILE).is_file()


def recover(output: Path) -> None:
    """Undo or finish a replacement during which the process was killed."""
    replaced = _replaced(output)
    if not output.exists() and is_ours(replaced):
        replaced.rename(output)
    shutil.rmtree(replaced, ignore_errors=True)


def replace(output: Path, partial: Path) -> None:
    """Give the finished folder the name of the output; if that fails, the earlier output is in its place."""
    if is_free(output):
        partial.replace(output)
        return
    replaced = _replaced(output)
    output.rename(replaced)
    try:
        partial.rename(output)
    except OSError:
        replaced.rename(output)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _replaced(output: Path) -> Path:
    return sibling(output, "replaced-by-monoglot")
