"""Writes files completely or not at all; a full disk is one clear sentence."""

from __future__ import annotations

import errno
import glob
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

from monoglot.errors import OutputError
from monoglot.run.hashing import canonical

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under its name only when the ``with`` block ends without an error.

    Args:
        path: The file to write or replace.
        mode: ``"w"`` for text in UTF-8, ``"wb"`` for bytes.

    Yields:
        The open file, which lies beside ``path`` under a temporary name.
    """
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    _remove_left_behind(path)
    try:
        with temporary.open(mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_left_behind(path: Path) -> None:
    """Remove the temporary files of the same file that killed processes left."""
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.tmp-*"):
        number = temporary.name.rpartition("-")[2]
        if number.isdecimal() and not _is_running(int(number)):
            temporary.unlink(missing_ok=True)


def _is_running(process_id: int) -> bool:
    try:
        return bool(psutil.pid_exists(process_id))
    except OverflowError:  # larger than any process id
        return False


def sync_folder(folder: Path) -> None:
    """Have the names in a folder reach the disk: a file that was renamed is there after a power failure.

    Windows has no such call, and some network file systems refuse it for folders.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Have all files of a folder, and the names of all, reach the disk: before it is renamed to be final."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.is_symlink() or not path.is_file():
                continue
            with path.open("r+b" if os.name == "nt" else "rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))


def write_json(path: Path, value: object) -> None:
    """Write JSON for readers: indented, in UTF-8, atomically.

    Args:
        path: The file to write or replace.
        value: Plain values or dataclasses; `canonical` says which.
    """
    with atomic_write(path) as file:
        json.dump(canonical(value), file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def read_json(path: Path) -> Any:
    """Read a JSON file in UTF-8."""
    return json.loads(path.read_text(encoding="utf-8"))


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file in a second place, without using space where the file system can link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def discard(path: Path) -> None:
    """Remove a folder or a file at once: what is left if that is interrupted has a temporary name."""
    if path.exists() or path.is_symlink():
        temporary = path.with_name(f".{path.name.removeprefix('.')}.old.tmp")
        remove(temporary)
        path.rename(temporary)
        remove(temporary)


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """Raise `OutputError` for every error of the system: for blocks that touch nothing but the output."""
    try:
        yield
    except OSError as error:
        raise _refused(output, error) from error


@contextmanager
def computing(output: Path) -> Iterator[None]:
    """Raise `OutputError` where the disk is full or read-only, and leave every other error as it is.

    Libraries report a full disk in different ways: by ``errno``, by the system's message inside an exception
    of their own (safetensors, tokenizers), or as a short write without either (``numpy.save``).
    """
    try:
        yield
    except Exception as error:
        code = error.errno if isinstance(error, OSError) else None
        nothing_left = isinstance(error, OSError) and shutil.disk_usage(output.parent).free < 2**20
        if code in DISK_FULL or os.strerror(errno.ENOSPC) in str(error) or (code is None and nothing_left):
            raise _full(output) from error
        if isinstance(error, OSError) and code == errno.EROFS:
            raise _refused(output, error) from error
        raise


def _full(output: Path) -> OutputError:
    return OutputError(
        f"The disk is full, so {output} can't be completed: free some space and run the same command again "
        "(the stages that are finished are kept)."
    )


def _refused(output: Path, error: OSError) -> OutputError:
    if error.errno in DISK_FULL:
        return _full(output)
    where = f" at {error.filename}" if error.filename else ""
    return OutputError(
        f"The output {output} can't be written ({error.strerror or error}{where}): "
        "make it writable or choose another --output."
    )
