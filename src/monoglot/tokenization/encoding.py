"""Encoding a whole corpus at the library's limit: streamed, on any number of cores with the same result."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Int64
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.progress import SILENT, Progress
from monoglot.tokenization.sentencepiece_proto import Encode, unigram_encoder
from monoglot.tokenization.tokenized_corpus import CorpusWriter, TokenizedCorpus
from monoglot.tokenization.vocabulary import backend_of, id_rows, plain_backend
from monoglot.tokenization.word_cache import WordEncoder, word_encoder

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
    ``sentencepiece_proto``); the words of a SentencePiece BPE tokenizer are looked up (see ``word_cache``).
    Lines longer than 65,536 characters are encoded in pieces cut at white space.

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
        progress.task("tokenising the corpus", total_lines) as advance,
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
    pieces = (piece for line in lines for piece in cut_line(line))
    trial = list(_take(pieces, TRIAL_LINES, TRIAL_CHARACTERS))
    encode = _fastest_encoder(plain_backend(tokenizer), [text for text, _ in trial])
    return encode, chain(trial, pieces)


def cut_line(line: str, longest: int = LONGEST_PIECE_CHARACTERS) -> Iterator[Piece]:
    """Cut a very long line into pieces, before a space where there is one; together they are the line."""
    start = 0
    while len(line) - start > longest:
        end = line.rfind(" ", start + 1, start + longest)
        end = end if end > 0 else start + longest
        yield line[start:end], False
        start = end
    yield line[start:] if start else line, True


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
