"""Reads vectors made elsewhere: for tokens (.safetensors, .npy, .vec) and for words (.vec, .bin)."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float32
from scipy.sparse import csr_array

from monoglot._hf import FastTextModel
from monoglot.errors import SettingError, VectorsError
from monoglot.tokenization.pieces import Segmenter
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import Engine, EngineInputs, TokenVectors

SEPARATORS = "\n\r\t\v\f\0 "
"""What fastText takes for the end of a word."""
PRIVATE_USE = 0xE000
_ESCAPES = str.maketrans({character: chr(PRIVATE_USE + ord(character)) for character in SEPARATORS})


def writable(token: str) -> str:
    """Write a token so that it is one word: white space in it becomes characters of the private use area."""
    return token.translate(_ESCAPES)


@dataclass(frozen=True)
class VectorsFile(Engine):
    """Reads vectors instead of training them.

    A ``.safetensors`` file is one that monoglot wrote; the rows of a ``.npy`` file are in the order of the
    ids; a ``.vec`` file is text with a token, as the tokenizer writes it, and its numbers on each line.

    Attributes:
        path: The file.
        digest: Hash of its content, by which a run knows that it was changed.
    """

    path: str
    digest: str

    @classmethod
    def at(cls, path: Path) -> Self:
        """Take note of a file.

        Raises:
            VectorsError: There is none.
        """
        try:
            with path.open("rb") as file:
                return cls(str(path), hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise VectorsError(f"the vectors {path} can't be read ({error.strerror}).") from None

    def vectors(self, inputs: EngineInputs) -> TokenVectors:
        """Read the file; rows of zeros, and tokens that are not in it, are not usable.

        Raises:
            VectorsError: If it does not fit the vocabulary.
        """
        vocabulary = inputs.vocabulary
        path = Path(self.path)
        suffix = path.suffix.lower()
        if suffix == ".safetensors":
            matrix = TokenVectors.load(path).matrix
        elif suffix == ".npy":
            matrix = _read_npy(path)
        else:
            matrix = _read_vec(path, vocabulary)
        if len(matrix) != vocabulary.size:
            raise VectorsError(
                f"{path} has {len(matrix):,} rows, but the target vocabulary has {vocabulary.size:,} ids; "
                "give vectors that were made for this tokenizer."
            )
        bad_rows = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
        if len(bad_rows):
            raise VectorsError(
                f"{path} has {len(bad_rows):,} rows that are not finite (the first is row {bad_rows[0]}); "
                "set the rows of tokens without a vector to zero."
            )
        return TokenVectors(matrix, np.any(matrix != 0, axis=1), inputs.counts)


def _read_npy(path: Path) -> Float32[np.ndarray, "rows dim"]:
    try:
        matrix = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise VectorsError(f"{path} can't be read as a .npy file of numbers ({error}).") from None
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise VectorsError(
            f"{path} is an array of {matrix.dtype} of the shape {matrix.shape}; expected numbers, with a row "
            "for each target id."
        )
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _read_vec(path: Path, vocabulary: Vocabulary) -> Float32[np.ndarray, "rows dim"]:
    rows = {writable(token.text): token.id for token in vocabulary.tokens}
    matrix, found = np.zeros((vocabulary.size, 0), dtype=np.float32), 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                fields = raw.decode("utf-8").rstrip().split(" ")
            except UnicodeDecodeError:
                raise VectorsError(f"line {number} of {path} is not UTF-8: convert the file.") from None
            if number == 1 and len(fields) == 2:  # fastText's header: how many rows and columns
                continue
            if not matrix.shape[1]:
                matrix = np.zeros((vocabulary.size, len(fields) - 1), dtype=np.float32)
            if len(fields) - 1 != matrix.shape[1]:
                raise VectorsError(
                    f"line {number} of {path} has {len(fields) - 1} numbers; expected {matrix.shape[1]}, as "
                    "in the lines before it."
                )
            row = rows.get(fields[0])
            if row is None:
                continue
            try:
                matrix[row] = np.array(fields[1:], dtype=np.float32)
            except ValueError:
                raise VectorsError(f"line {number} of {path} holds something else than numbers.") from None
            found += 1
    if not found:
        raise VectorsError(
            f"{path} has no vector for any of the {len(vocabulary):,} target tokens; its lines must begin "
            "with tokens as the tokenizer's vocabulary writes them."
        )
    return matrix


WORD_SUFFIXES = (".vec", ".bin")
BLOCK_WORDS = 20_000
MOST_WORDS = 1_000_000
"""How many words of a list are read: the first ones, which are the frequent ones."""
RANK_SHIFT = 2.7
"""By Zipf's law the word of rank r is about 1 / (r + 2.7) as frequent as the first (Mandelbrot)."""


class WordFile(ABC):
    """Word vectors in a file, from which tokens get vectors."""

    @abstractmethod
    def vectors_of(self, words: Collection[str]) -> dict[str, Float32[np.ndarray, " dim"]]:
        """Look up words; those that the file does not have are left out."""

    @abstractmethod
    def token_vectors(
        self, vocabulary: Vocabulary, segment: Segmenter, *, by_rank: bool = True
    ) -> Float32[np.ndarray, "ids dim"]:
        """Make a vector for each token; zeros where the file has nothing to say, and for special tokens.

        Args:
            vocabulary: The tokens.
            segment: How their tokenizer segments words.
            by_rank: Whether words that come early in a list, which are the frequent ones, count for more.
        """


def check_word_file(path: Path) -> None:
    """Refuse a path that is of another kind, or where there is nothing.

    Raises:
        SettingError: If it is of another kind.
        VectorsError: If there is no such file.
    """
    if path.suffix.lower() not in WORD_SUFFIXES:
        raise SettingError(f"word vectors are read from {' and '.join(WORD_SUFFIXES)} files; got '{path}'")
    if not path.is_file():
        raise VectorsError(f"the word vectors {path} can't be read (No such file or directory).")


def open_word_file(path: Path, most_words: int = MOST_WORDS) -> WordFile:
    """Open word vectors.

    Args:
        path: The file.
        most_words: How many words of a list are read.

    Raises:
        SettingError: If it is of another kind.
        VectorsError: If there is no such file, or it is damaged.
    """
    check_word_file(path)
    return NgramModel(path) if path.suffix.lower() == ".bin" else WordList(path, most_words)


class WordList(WordFile):
    """A text file with a word and its numbers on each line.

    Attributes:
        path: The file.
        most_words: How many words are read.
    """

    def __init__(self, path: Path, most_words: int = MOST_WORDS) -> None:
        self.path = path
        self.most_words = most_words

    def words(self) -> Iterator[str]:
        """The words; some may be there twice."""
        return (word for word, _ in self._lines())

    def blocks(self) -> Iterator[tuple[list[str], Float32[np.ndarray, "words dim"]]]:
        """Some words at a time, and their vectors.

        Raises:
            VectorsError: If a line has not as many numbers as the others, or something else.
        """
        lines = self._lines()
        while block := list(islice(lines, BLOCK_WORDS)):
            words = [word for word, _ in block]
            try:
                yield words, np.array([numbers.split(" ") for _, numbers in block], dtype=np.float32)
            except ValueError:
                raise VectorsError(
                    f"{self.path} is damaged between '{words[0]}' and '{words[-1]}': each line must hold a "
                    "word and equally many numbers."
                ) from None

    def vectors_of(self, words: Collection[str]) -> dict[str, Float32[np.ndarray, " dim"]]:
        """Look up words; the first line counts where a word is there twice."""
        wanted, found = set(words), {}
        for block, matrix in self.blocks():
            for place, word in enumerate(block):
                if word in wanted and word not in found:
                    found[word] = matrix[place]
        return found

    def token_vectors(
        self, vocabulary: Vocabulary, segment: Segmenter, *, by_rank: bool = True
    ) -> Float32[np.ndarray, "ids dim"]:
        """The mean of the words that contain the token, each segmented at a word start and within a word.

        A list does not tell how frequent its words are, but its order does: ``by_rank`` weighs them by
        Zipf's law. A word that contains the token both ways counts twice, as in the package `wechsel`.
        """
        sums, total, before = np.zeros((vocabulary.size, 0)), np.zeros(vocabulary.size), 0
        for words, matrix in self.blocks():
            contains = _contained(segment, words, vocabulary.size)
            ranks = np.arange(before, before + len(words))
            weights = 1 / (ranks + 1 + RANK_SHIFT) if by_rank else np.ones(len(words))
            if not sums.shape[1]:
                sums = np.zeros((vocabulary.size, matrix.shape[1]))
            sums += contains @ (matrix * weights[:, None])
            total += contains @ weights
            before += len(words)
        result = sums / np.where(total > 0, total, 1)[:, None]
        result[[token.id for token in vocabulary.special]] = 0
        return np.asarray(result, dtype=np.float32)

    def _lines(self) -> Iterator[tuple[str, str]]:
        """The words and, not yet read, their numbers."""
        with self.path.open(encoding="utf-8", newline="\n", errors="replace") as file:
            for number, line in enumerate(islice(file, self.most_words + 1)):
                word, _, numbers = line.rstrip().partition(" ")
                if number or " " in numbers:  # else fastText's header: how many rows and columns
                    yield word, numbers


def _contained(segment: Segmenter, words: list[str], size: int) -> csr_array:
    """How many of the two ways to segment each word contain each token."""
    total = csr_array((size, len(words)))
    for texts in ([f" {word}" for word in words], words):
        rows = segment(texts)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        ids = np.fromiter(chain.from_iterable(rows), np.int64, int(lengths.sum()))
        entries = np.unique(ids * len(words) + np.repeat(np.arange(len(words)), lengths))
        total += csr_array((np.ones(len(entries)), np.divmod(entries, len(words))), shape=total.shape)
    return total


class NgramModel(WordFile):
    """A fastText model, which makes a vector of any text.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._model = FastTextModel.load(path)
        except (ValueError, RuntimeError) as error:
            raise VectorsError(f"{path} can't be read as a fastText model ({error}).") from None

    def vectors_of(self, words: Collection[str]) -> dict[str, Float32[np.ndarray, " dim"]]:
        """Look up words that the model was trained on; others have n-grams, but are no evidence."""
        return {word: self._model.vector(word) for word in words if self._model.knows(word)}

    def token_vectors(
        self, vocabulary: Vocabulary, segment: Segmenter | None = None, *, by_rank: bool = True
    ) -> Float32[np.ndarray, "ids dim"]:
        """What the model makes of the text of each token; parts of characters have none."""
        matrix = np.zeros((vocabulary.size, self._model.dim), dtype=np.float32)
        for token in vocabulary.tokens:
            text = token.form.decode("utf-8", "replace").strip()
            if text and "\ufffd" not in text and not token.roles:
                matrix[token.id] = self._model.vector(text)
        return matrix
