"""Text that can be read once only: standard input, pipes, process substitutions."""

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
from pathlib import Path

from monoglot.errors import CorpusError

STANDARD_INPUT = "-"
MAGIC = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst"}
_kept: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


def is_stream(given: str) -> bool:
    """Whether something is read once only: ``-``, a pipe, ``/dev/stdin``, ``<(command)`` of a shell."""
    if given == STANDARD_INPUT:
        return True
    try:
        mode = Path(given).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def copied(given: str) -> Path:
    """Copy a stream to a file that can be read again, and is removed when the process ends.

    Its suffix tells how it is compressed, by its first bytes.

    Args:
        given: What the user called it.

    Raises:
        CorpusError: If it is a terminal, or can't be read.
    """
    if given == STANDARD_INPUT and sys.stdin.isatty():
        raise CorpusError(
            "the corpus '-' is standard input, but nothing is piped there; pipe a text into it."
        )
    folder = tempfile.TemporaryDirectory(prefix="monoglot-stream-")
    _kept.append(folder)
    path = Path(folder.name) / "stream"
    try:
        with path.open("wb") as copy:
            if given == STANDARD_INPUT:
                shutil.copyfileobj(sys.stdin.buffer, copy)
            else:
                with Path(given).open("rb") as stream:
                    shutil.copyfileobj(stream, copy)
    except OSError as error:
        raise CorpusError(f"{given} can't be read ({error.strerror}).") from None
    with path.open("rb") as file:
        beginning = file.read(4)
    suffix = next((suffix for magic, suffix in MAGIC.items() if beginning.startswith(magic)), "")
    return path.rename(path.with_suffix(f".txt{suffix}"))
