"""A corpus as token ids on disk: written once, then memory-mapped by all who need it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from jaxtyping import Int64, UInt16, UInt32
from numpy.lib import format as npy

from monoglot.errors import CorpusError

Ids = UInt16[np.ndarray, " tokens"] | UInt32[np.ndarray, " tokens"]

IDS_FILE = "ids.npy"
OFFSETS_FILE = "offsets.npy"
COUNTING_CHUNK_TOKENS = 1 << 22


@dataclass(frozen=True)
class TokenizedCorpus:
    """The token ids of every line, without special tokens, one line after the other.

    Attributes:
        ids: Token ids, memory-mapped; ``uint16`` where they fit, else ``uint32``.
        offsets: Line ``i`` is ``ids[offsets[i]:offsets[i + 1]]``.
    """

    ids: Ids
    offsets: Int64[np.ndarray, " lines+1"]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Memory-map what ``encode_corpus`` wrote.

        Raises:
            CorpusError: No complete tokenised corpus in this folder.
        """
        try:
            ids = np.load(folder / IDS_FILE, mmap_mode="r", allow_pickle=False)
            offsets = np.load(folder / OFFSETS_FILE, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise CorpusError(f"{folder} holds no tokenised corpus ({error}); write it again.") from None
        if not len(offsets) or offsets[-1] != len(ids):
            raise CorpusError(f"the tokenised corpus in {folder} is not complete; write it again.")
        return cls(ids, offsets)

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.offsets) - 1

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return len(self.ids)

    def counts(self, size: int) -> Int64[np.ndarray, " size"]:
        """Count how often each token occurs.

        Args:
            size: Number of ids in the vocabulary, larger than every id in the corpus.
        """
        counts = np.zeros(size, dtype=np.int64)
        for start in range(0, self.tokens, COUNTING_CHUNK_TOKENS):
            counts += np.bincount(self.ids[start : start + COUNTING_CHUNK_TOKENS], minlength=size)
        return counts

    def lines_in_chunks(self, chunk_tokens: int) -> Iterator[tuple[Ids, Int64[np.ndarray, " lines+1"]]]:
        """Walk over the corpus, many whole lines at a time.

        Args:
            chunk_tokens: About how many tokens a chunk has; more only if a single line has more.

        Yields:
            The ids of some lines, and the offsets of these lines within the chunk, from 0 to its length.
        """
        first = 0
        while first < self.lines:
            start = self.offsets[first]
            last = int(np.searchsorted(self.offsets, start + chunk_tokens, side="right")) - 1
            last = min(max(last, first + 1), self.lines)
            offsets = np.asarray(self.offsets[first : last + 1]) - start
            yield self.ids[start : self.offsets[last]], offsets
            first = last


class CorpusWriter:
    """Writes a tokenised corpus piece by piece; readable only once it was closed without an error."""

    def __init__(self, folder: Path, vocabulary_size: int) -> None:
        """Begin a file.

        Args:
            folder: Where to; made if it is not there.
            vocabulary_size: The largest id plus one, which says how wide ids are.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / OFFSETS_FILE).unlink(missing_ok=True)
        self._folder = folder
        self._dtype = np.dtype("<u2" if vocabulary_size <= 1 << 16 else "<u4")
        self._offsets = [np.zeros(1, dtype=np.int64)]
        self._tokens = 0
        self._file: BinaryIO = (folder / IDS_FILE).open("wb")
        self._write_header()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is not None:
                return
            # The length is known only now; NumPy pads the header so that it has room for any.
            self._file.seek(0)
            self._write_header()
        np.save(self._folder / OFFSETS_FILE, np.concatenate(self._offsets))

    def write(self, pieces: Sequence[Sequence[int]], ends_line: Iterable[bool]) -> None:
        """Append some pieces of lines.

        Args:
            pieces: Token ids of each piece.
            ends_line: Whether the piece is the last, or the only one, of its line.
        """
        lengths = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
        ends = self._tokens + np.cumsum(lengths)
        total = int(lengths.sum())
        ids = np.fromiter(chain.from_iterable(pieces), dtype=self._dtype, count=total)
        self._file.write(ids.tobytes())
        self._tokens += total
        self._offsets.append(ends[np.fromiter(ends_line, dtype=bool, count=len(pieces))])

    def _write_header(self) -> None:
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._tokens,)}
        npy.write_array_header_1_0(self._file, header)
