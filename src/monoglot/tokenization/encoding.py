"""Tokenizes a corpus of any size on any number of cores into memory-mapped ids."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import numpy as np
from jaxtyping import Int64, UInt16, UInt32
from numpy.lib import format as npy
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.fast_encoders import Encode, WordEncoder, unigram_encoder, word_encoder
from monoglot.tokenization.vocabulary import backend_of, id_rows, plain_backend
from monoglot.tokenization.word_counts import cut_line

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
            CorpusError: No complete tokenized corpus in this folder.
        """
        try:
            ids = np.load(folder / IDS_FILE, mmap_mode="r", allow_pickle=False)
            offsets = np.load(folder / OFFSETS_FILE, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise CorpusError(f"{folder} holds no tokenized corpus ({error}); write it again.") from None
        if not len(offsets) or offsets[-1] != len(ids):
            raise CorpusError(f"the tokenized corpus in {folder} is not complete; write it again.")
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
    """Writes a tokenized corpus piece by piece; readable only once it was closed without an error."""

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


BATCH_CHARACTERS = 1 << 18
LONGEST_PIECE_CHARACTERS = 1 << 16
TRIAL_LINES = 2_000
TRIAL_CHARACTERS = 1 << 19
TOLERATED_DIFFERENCE = 0.001

Piece = tuple[str, bool]
"""Some text, and whether a line ends with it."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def encode_corpus(
    tokenizer: PreTrainedTokenizerFast,
    lines: Iterable[str],
    folder: Path,
    *,
    threads: int = 1,
    total_lines: int | None = None,
    progress: Progress = SILENT,
) -> TokenizedCorpus:
    """Write the token ids of every line, without special tokens, to a folder.

    A Unigram tokenizer is run by SentencePiece if a trial on the first lines shows that no more than one
    line in a thousand comes out differently (as another segmentation of the same score, see
    `unigram_encoder`); the words of a SentencePiece BPE tokenizer are looked up (see `word_encoder`).
    Lines longer than 65,536 characters are split at whitespace and encoded part by part.

    Args:
        tokenizer: The tokenizer; truncation and padding that it is set to are ignored.
        lines: The text.
        folder: Where the ids go; made if it is not there.
        threads: How many threads encode; the result is the same for any number.
        total_lines: How many lines there are, if that is known, to show the time left.
        progress: Where to show how far the work is.

    Returns:
        The corpus, memory-mapped.
    """
    encode, pieces = _choose_encoder(tokenizer, lines)
    with CorpusWriter(folder, id_rows(backend_of(tokenizer))) as writer:
        for batch, ids in _encoded(encode, pieces, threads, total_lines, progress):
            writer.write(ids, [ends_line for _, ends_line in batch])
    return TokenizedCorpus.open(folder)


def count_tokens(
    tokenizer: PreTrainedTokenizerFast,
    lines: Iterable[str],
    size: int,
    *,
    threads: int = 1,
    total_lines: int | None = None,
    progress: Progress = SILENT,
) -> Int64[np.ndarray, " size"]:
    """Count how often lines use each token: what ``encode_corpus`` would write is only counted.

    Args:
        tokenizer: The tokenizer; truncation and padding that it is set to are ignored.
        lines: The text.
        size: Number of ids.
        threads: How many threads encode; the result is the same for any number.
        total_lines: How many lines there are, if that is known, to show the time left.
        progress: Where to show how far the work is.
    """
    encode, pieces = _choose_encoder(tokenizer, lines)
    if isinstance(encode, WordEncoder):
        with _single_threaded_tokenizers(), progress.task("counting tokens", total_lines) as advance:
            return encode.count(_texts(_batches(pieces), advance), size)
    counts = np.zeros(size, np.int64)
    for _, rows in _encoded(encode, pieces, threads, total_lines, progress):
        ids = np.fromiter(chain.from_iterable(rows), np.int64, sum(map(len, rows)))
        counts += np.bincount(ids, minlength=size)
    return counts


def _encoded(
    encode: Encode,
    pieces: Iterator[Piece],
    threads: int,
    total_lines: int | None,
    progress: Progress,
) -> Iterator[tuple[list[Piece], list[list[int]]]]:
    """Pieces of lines and their ids, some at a time."""
    with (
        _single_threaded_tokenizers(),
        ThreadPoolExecutor(threads) as pool,
        progress.task("tokenizing the corpus", total_lines) as advance,
    ):
        work = _in_order(
            pool, lambda batch: encode([text for text, _ in batch]), _batches(pieces), 2 * threads
        )
        for batch, ids in work:
            yield batch, ids
            advance(sum(ends_line for _, ends_line in batch))


def _texts(batches: Iterable[list[Piece]], advance: Callable[[int], None]) -> Iterator[list[str]]:
    for batch in batches:
        yield [text for text, _ in batch]
        advance(sum(ends_line for _, ends_line in batch))


def _choose_encoder(
    tokenizer: PreTrainedTokenizerFast, lines: Iterable[str]
) -> tuple[Encode, Iterator[Piece]]:
    """The fastest encoder for some lines, as tried on the first of them, and the pieces of all lines."""
    pieces = (piece for line in lines for piece in cut_line(line, LONGEST_PIECE_CHARACTERS))
    trial = list(_take(pieces, TRIAL_LINES, TRIAL_CHARACTERS))
    encode = _fastest_encoder(plain_backend(tokenizer), [text for text, _ in trial])
    return encode, chain(trial, pieces)


def _fastest_encoder(tokenizer: Tokenizer, trial: list[str]) -> Encode:
    """An encoder that imitates the tokenizer, if there is one that does, as seen on some lines."""

    def exact(lines: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch_fast(lines, add_special_tokens=False)]

    fast = unigram_encoder(tokenizer, exact) or word_encoder(tokenizer, exact)
    if fast is None:
        return exact
    different = sum(a != b for a, b in zip(fast(trial), exact(trial), strict=True))
    return fast if different <= TOLERATED_DIFFERENCE * len(trial) else exact


@contextmanager
def _single_threaded_tokenizers() -> Iterator[None]:
    """Leave all parallel work to our own threads: `tokenizers` can't be told how many to use."""
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _take(pieces: Iterator[Piece], most: int, most_characters: int) -> Iterator[Piece]:
    characters = 0
    for number, piece in enumerate(pieces, start=1):
        yield piece
        characters += len(piece[0])
        if number == most or characters >= most_characters:
            return


def _batches(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    while batch := list(_take(pieces, BATCH_CHARACTERS, BATCH_CHARACTERS)):
        yield batch


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterator[Item], ahead: int
) -> Iterator[tuple[Item, Result]]:
    """Work on several items at a time, at most ``ahead`` of them unfinished or unread, in their order."""
    pending: deque[tuple[Item, Future[Result]]] = deque()
    for item in items:
        pending.append((item, pool.submit(work, item)))
        if len(pending) > ahead:
            done, future = pending.popleft()
            yield done, future.result()
    for done, future in pending:
        yield done, future.result()
