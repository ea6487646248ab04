"""Finds the files of a corpus and reads the texts in them; streams are copied first."""

from __future__ import annotations

import glob
import hashlib
import logging
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from monoglot.corpus.formats import (
    READ_ERRORS,
    READERS,
    SUFFIXES,
    check_beginning,
    decompressed,
    is_damage,
)
from monoglot.errors import CorpusError
from monoglot.progress import Advance

logger = logging.getLogger(__name__)


TEXTS_PER_REPORT = 1024
SPLIT_ENDS = re.compile(r"[^a-z]+")
TEST_SPLITS = frozenset(
    ("test", "tests", "testing", "valid", "validation", "val", "dev", "eval", "evaluation")
)
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+){0,2}")


class TextSource(Protocol):
    """Somewhere texts come from, any number of times and each time the same."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """The amount of work in one reading, if it is known."""
        ...

    def texts(self, advance: Advance) -> Iterator[str]:
        """The texts, each of one or more lines; ``advance`` is told how many bytes were read."""
        ...

    def fingerprint(self) -> str:
        """A hash that changes when the texts change."""
        ...


@dataclass(frozen=True)
class TextFile:
    """One file of text, possibly compressed.

    Attributes:
        path: Where it is.
        column: The column that holds the text, in a format that has columns.
        called: What the user calls it, if that is not its path.
    """

    path: Path
    column: str
    called: str = ""

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.called or str(self.path)

    @property
    def size_bytes(self) -> int:
        """The size of the file as it lies on disk."""
        return self.path.stat().st_size

    def texts(self, advance: Advance) -> Iterator[str]:
        """Read the texts, in constant memory.

        Raises:
            CorpusError: A file that can't be read, is damaged, is not UTF-8 or has no such column.
        """
        kind, compression = format_of(self.path)
        try:
            with self.path.open("rb") as raw:
                reported = 0
                texts = READERS[kind](decompressed(raw, compression), self.name, self.column)
                for number, text in enumerate(texts):
                    yield text
                    if number % TEXTS_PER_REPORT == 0:
                        position = raw.tell()
                        advance(position - reported)
                        reported = position
                advance(self.size_bytes - reported)
        except READ_ERRORS as error:
            if is_damage(error):
                raise CorpusError(
                    f"{self.name} is damaged or truncated ({error}); copy or download it again."
                ) from None
            raise _unreadable(self.name, error) from None

    def check_beginning(self) -> None:
        """Refuse what is no text by its first line, before anything long begins.

        Raises:
            CorpusError: A file that can't be read, or is HTML, a PDF, a picture …
        """
        kind, compression = format_of(self.path)
        if kind == ".parquet":
            return
        try:
            with self.path.open("rb") as raw:
                check_beginning(decompressed(raw, compression), self.name)
        except READ_ERRORS as error:
            if not is_damage(error):
                raise _unreadable(self.name, error) from None  # damage is said when the file is read

    def fingerprint(self) -> str:
        """A hash of the file's bytes and of how they are read."""
        digest = hashlib.blake2b("".join(format_of(self.path)).encode(), digest_size=16)
        digest.update(self.column.encode())
        try:
            with self.path.open("rb") as raw:
                while chunk := raw.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            raise _unreadable(self.name, error) from None
        return digest.hexdigest()


def _unreadable(name: str, error: Exception) -> CorpusError:
    return CorpusError(f"{name} can't be read ({getattr(error, 'strerror', error)}).")


def format_of(path: Path) -> tuple[str, str]:
    """The suffixes of a path that tell its format and its compression; no suffix means plain text.

    Raises:
        CorpusError: A suffix that stands for no supported format.
    """
    compression = path.suffix.lower() if path.suffix.lower() in SUFFIXES else ""
    kind = (path.with_suffix("") if compression else path).suffix.lower()
    if kind and kind not in READERS:
        raise CorpusError(
            f"{path} has the suffix '{kind}', which is not a format that monoglot reads; expected "
            f"{', '.join(READERS)}, each also with {' or '.join(SUFFIXES)}: write its text into such a "
            "file."
        )
    return kind or ".txt", compression


def find_files(given: str) -> list[Path]:
    """The files meant by a path, a folder or a glob, sorted by name.

    Args:
        given: What the user wrote.

    Returns:
        At least one path; of a folder all files in it, and below it, whose suffix is known.

    Raises:
        CorpusError: Nothing there.
    """
    path = Path(given).expanduser()
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file() and _has_known_suffix(file))
        if not found:
            raise CorpusError(f"the folder {given} contains no file of a known format: {', '.join(READERS)}.")
        return check_names(training_files(found, path))
    if path.exists():
        if not path.is_file():
            what = "standard input" if str(given) == "/dev/stdin" else given
            raise CorpusError(f"{what} is a device, not a file or a pipe; expected text: give a file of it.")
        format_of(path)
        return check_names([path])
    if glob.has_magic(given):
        # Unlike glob.glob, Path.glob doesn't follow links to folders, which may lead back.
        root = Path(path.anchor)
        try:
            matches = sorted(root.glob(str(path.relative_to(root))))
        except (ValueError, NotImplementedError) as error:
            raise CorpusError(
                f"'{given}' is not a valid pattern ({error}); ** stands alone between slashes."
            ) from None
        if files := [match for match in matches if match.is_file()]:
            for file in files:
                format_of(file)
            return check_names(files)
        raise CorpusError(f"no file matches the pattern '{given}'.")
    raise CorpusError(f"there is no file {given}.")


def training_files(files: list[Path], folder: Path) -> list[Path]:
    """The files of a data set that are for training: where some are named so, those for tests are left out.

    Args:
        files: All files of a folder.
        folder: The folder; only what is below it tells.
    """
    parts = {
        file: [part for part in SPLIT_ENDS.split("/".join(file.relative_to(folder).parts).lower())]
        for file in files
    }
    if not any("train" in found for found in parts.values()):
        return files
    kept = [file for file in files if not TEST_SPLITS.intersection(parts[file])]
    if len(kept) < len(files):
        left_out = sorted(set(files).difference(kept))
        logger.warning(
            "%s has a training split; %d other files are left out, such as %s: name them to include them",
            folder,
            len(left_out),
            left_out[0].relative_to(folder),
        )
    return kept


def check_names(files: list[Path]) -> list[Path]:
    """Refuse files whose names are not UTF-8: no manifest could name them.

    Raises:
        CorpusError: If there is one.
    """
    for file in files:
        try:
            str(file).encode()
        except UnicodeEncodeError:
            raise CorpusError(f"the name of the file {str(file)!r} is not UTF-8; rename it.") from None
    return files


def could_be_hub_name(given: str) -> bool:
    """Whether something that is no path has the form ``owner/name``, ``owner/name:config[:split]``."""
    if not HUB_NAME.fullmatch(given) or Path(given).expanduser().exists():
        return False
    return not _has_known_suffix(Path(given)) and not Path(given).parent.is_dir()


def _has_known_suffix(path: Path) -> bool:
    stem = path.with_suffix("") if path.suffix.lower() in SUFFIXES else path
    return stem.suffix.lower() in READERS


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
        raise _unreadable(given, error) from None
    with path.open("rb") as file:
        beginning = file.read(4)
    suffix = next((suffix for magic, suffix in MAGIC.items() if beginning.startswith(magic)), "")
    return path.rename(path.with_suffix(f".txt{suffix}"))
