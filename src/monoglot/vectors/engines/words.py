"""Pretrained word vectors, brought to tokens as WECHSEL does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import fasttext_pybind
import numpy as np
from jaxtyping import Float32

from monoglot.errors import SettingError, VectorsError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.tokenized_corpus import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.base import Engine, TokenVectors
from monoglot.vectors.registry import engine
from monoglot.vectors.words import count_tokens_in_words

SUFFIXES = (".vec", ".bin")
BLOCK_WORDS = 20_000


@engine("words")
@dataclass(frozen=True)
class Words(Engine):
    """Makes token vectors from word vectors of the target language that somebody else has trained.

    A fastText model (``.bin``) has vectors for n-grams, hence one for any text: a token gets that of its own
    text, as if it were a word. From a list of words (``.vec``) a token gets the mean of the vectors of the
    words that contain it, weighted by how often the corpus has it in each. (WECHSEL tokenises the words of
    the list instead, and weights them by their frequencies.) Tokens in none of the words get no vector.

    Reference: Minixhofer, Paischer & Rekabsaz 2022, "WECHSEL" (arXiv 2112.06598), section 3.

    Attributes:
        path: The file.
        most_words: How many words of a ``.vec`` file are read.
        digest: Hash of the file's content, by which a run knows that it was changed.
    """

    path: str
    most_words: int = 1_000_000
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Take note of the file.

        Raises:
            SettingError: If it is of another kind.
            VectorsError: If there is none.
        """
        path = Path(self.path)
        if path.suffix not in SUFFIXES:
            raise SettingError(f"word vectors are read from {' and '.join(SUFFIXES)} files; got '{path}'")
        try:
            with path.open("rb") as file:
                object.__setattr__(self, "digest", hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise VectorsError(f"the word vectors {path} can't be read ({error.strerror}).") from None

    def train(
        self,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        """Read the file; nothing is drawn.

        Raises:
            VectorsError: If it is damaged, or has a vector for none of the tokens.
        """
        path = Path(self.path)
        if path.suffix == ".bin":
            matrix = _by_ngrams(path, vocabulary)
        else:
            matrix = self._by_words(path, corpus, vocabulary, progress)
        matrix[[token.id for token in vocabulary.special]] = 0
        usable = np.any(matrix != 0, axis=1)
        if not usable.any():
            raise VectorsError(
                f"{path} gives a vector to none of the {len(vocabulary):,} target tokens; "
                "give word vectors of the corpus' language."
            )
        return TokenVectors(matrix, usable, corpus.counts(vocabulary.size))

    def _by_words(
        self, path: Path, corpus: TokenizedCorpus, vocabulary: Vocabulary, progress: Progress
    ) -> Float32[np.ndarray, "target dim"]:
        columns: dict[str, int] = {}
        for number, (word, _) in enumerate(self._lines(path)):
            columns.setdefault(word, number)
        counts = count_tokens_in_words(corpus, vocabulary, columns, progress=progress).tocsc()
        sums = np.zeros((vocabulary.size, 0))
        lines = self._lines(path)
        with progress.task("reading word vectors", counts.shape[1]) as advance:
            for start in range(0, counts.shape[1], BLOCK_WORDS):
                width = min(BLOCK_WORDS, counts.shape[1] - start)
                block = _numbers(path, list(islice(lines, width)))
                if not sums.shape[1]:
                    sums = np.zeros((vocabulary.size, block.shape[1]))
                sums += counts[:, start : start + width] @ block
                advance(len(block))
        total = np.maximum(counts.sum(axis=1), 1)
        return np.asarray(sums / total[:, None], dtype=np.float32)

    def _lines(self, path: Path) -> Iterator[tuple[str, str]]:
        """The words and, not yet read, their numbers."""
        with path.open(encoding="utf-8", newline="\n", errors="replace") as file:
            for number, line in enumerate(islice(file, self.most_words + 1)):
                word, _, numbers = line.rstrip().partition(" ")
                if number or " " in numbers:  # else fastText's header: how many rows and columns
                    yield word, numbers


def _numbers(path: Path, lines: list[tuple[str, str]]) -> Float32[np.ndarray, "words dim"]:
    try:
        return np.array([numbers.split(" ") for _, numbers in lines], dtype=np.float32)
    except ValueError:
        raise VectorsError(
            f"{path} is damaged between '{lines[0][0]}' and '{lines[-1][0]}': each line must hold a word and "
            "equally many numbers."
        ) from None


def _by_ngrams(path: Path, vocabulary: Vocabulary) -> Float32[np.ndarray, "target dim"]:
    """What a fastText model makes of the text of each token; parts of characters have none."""
    model = fasttext_pybind.fasttext()
    try:
        model.loadModel(str(path))
    except (ValueError, RuntimeError) as error:
        raise VectorsError(f"{path} can't be read as a fastText model ({error}).") from None
    dim = model.getArgs().dim
    matrix = np.zeros((vocabulary.size, dim), dtype=np.float32)
    vector = fasttext_pybind.Vector(dim)
    for token in vocabulary.tokens:
        text = token.form.decode("utf-8", "replace").strip()
        if text and "\ufffd" not in text:
            model.getWordVector(vector, text)
            matrix[token.id] = vector
    return matrix
