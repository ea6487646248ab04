"""Pretrained word vectors, brought to tokens as WECHSEL does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from monoglot.errors import VectorsError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.base import Engine, TokenVectors
from monoglot.vectors.registry import engine
from monoglot.vectors.word_file import MOST_WORDS, NgramModel, WordList, check_word_file
from monoglot.vectors.words import count_tokens_in_words


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
    most_words: int = MOST_WORDS
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Take note of the file.

        Raises:
            SettingError: If it is of another kind.
            VectorsError: If there is none.
        """
        path = Path(self.path)
        check_word_file(path)
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
            matrix = NgramModel(path).token_vectors(vocabulary)
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
        words = WordList(path, self.most_words)
        columns: dict[str, int] = {}
        for number, word in enumerate(words.words()):
            columns.setdefault(word, number)
        counts = count_tokens_in_words(corpus, vocabulary, columns, progress=progress).tocsc()
        sums, start = np.zeros((vocabulary.size, 0)), 0
        with progress.task("reading word vectors", counts.shape[1]) as advance:
            for some, block in words.blocks():
                if not sums.shape[1]:
                    sums = np.zeros((vocabulary.size, block.shape[1]))
                # A word that repeats an earlier one has no column of its own.
                own = counts[:, start : start + len(some)]
                sums += own @ block[: own.shape[1]]
                start += len(some)
                advance(len(some))
        total = np.maximum(counts.sum(axis=1), 1)
        return np.asarray(sums / total[:, None], dtype=np.float32)
