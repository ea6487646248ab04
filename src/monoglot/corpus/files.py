"""Finding the files that the user named, and reading the texts in them."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from monoglot.corpus.compression import DAMAGE, SUFFIXES, decompressed
from monoglot.corpus.formats import READERS
from monoglot.errors import CorpusError
from monoglot.progress import Advance

TEXTS_PER_REPORT = 1024
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+){0,2}")


class Source(Protocol):
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
    """

    path: Path
    column: str

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

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
        except DAMAGE as error:
            raise CorpusError(
                f"{self.name} is damaged or was cut short ({error}); copy or download it again."
            ) from None
        except OSError as error:
            raise CorpusError(f"{self.name} can't be read ({error.strerror}).") from None

    def fingerprint(self) -> str:
        """A hash of the file's bytes and of how they are read."""
        digest = hashlib.blake2b("".join(format_of(self.path)).encode(), digest_size=16)
        digest.update(self.column.encode())
        try:
            with self.path.open("rb") as raw:
                while chunk := raw.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            raise CorpusError(f"{self.name} can't be read ({error.strerror}).") from None
        return digest.hexdigest()


def format_of(path: Path) -> tuple[str, str]:
    """The suffixes of a path that tell its format and its compression; no suffix means plain text.

    Raises:
        CorpusError: A suffix that stands for no supported format.
    """
    compression = path.suffix if path.suffix in SUFFIXES else ""
    kind = (path.with_suffix("") if compression else path).suffix.lower()
    if kind and kind not in READERS:
        raise CorpusError(
            f"{path} has the suffix '{kind}', which stands for no format that monoglot reads; expected "
            f"{', '.join(READERS)}, each also with {' or '.join(SUFFIXES)}."
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
            raise CorpusError(f"the folder {given} holds no file of a known format: {', '.join(READERS)}.")
        return found
    if path.exists():
        format_of(path)
        return [path]
    if glob.has_magic(given):
        # Path.glob takes no absolute patterns.
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207
        if files := [match for match in matches if match.is_file()]:
            for file in files:
                format_of(file)
            return files
        raise CorpusError(f"no file matches the pattern '{given}'.")
    raise CorpusError(f"there is no file {given}.")


def could_be_hub_name(given: str) -> bool:
    """Whether something that is no path has the form ``owner/name``, ``owner/name:config[:split]``."""
    if not HUB_NAME.fullmatch(given) or Path(given).expanduser().exists():
        return False
    return not _has_known_suffix(Path(given)) and not Path(given).parent.is_dir()


def _has_known_suffix(path: Path) -> bool:
    stem = path.with_suffix("") if path.suffix in SUFFIXES else path
    return stem.suffix.lower() in READERS
