"""Vectors from pretrained word vectors, brought to tokens as in WECHSEL."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64
from scipy.sparse import csr_array

from monoglot.errors import VectorsError
from monoglot.options import Count, WordVectorsFile
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import Ids, TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import Engine, EngineInputs, TokenVectors
from monoglot.vectors.registry import engine
from monoglot.vectors.vector_files import MOST_WORDS, NgramModel, WordList, check_word_file


@engine("words")
@dataclass(frozen=True)
class Words(Engine):
    """Makes token vectors from word vectors of the target language that somebody else has trained.

    A fastText model (``.bin``) has vectors for n-grams, hence one for any text: a token gets that of its own
    text, as if it were a word. From a list of words (``.vec``) a token gets the mean of the vectors of the
    words that contain it, weighted by how often the corpus has it in each. (WECHSEL tokenizes the words of
    the list instead, and weights them by their frequencies.) Tokens in none of the words get no vector.

    Reference: Minixhofer, Paischer & Rekabsaz 2022, "WECHSEL" (arXiv 2112.06598), section 3.

    Attributes:
        path: The file.
        most_words: How many words of a ``.vec`` file are read.
        digest: Hash of the file's content, by which a run knows that it was changed.
    """

    path: WordVectorsFile
    most_words: Count = MOST_WORDS
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Take note of the file.

        Raises:
            SettingError: If it is of another kind.
            VectorsError: If there is none.
        """
        super().__post_init__()
        path = Path(self.path)
        check_word_file(path)
        try:
            with path.open("rb") as file:
                object.__setattr__(self, "digest", hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise VectorsError(f"the word vectors {path} can't be read ({error.strerror}).") from None

    def vectors(self, inputs: EngineInputs) -> TokenVectors:
        """Read the file; nothing is drawn.

        Raises:
            VectorsError: If it is damaged, or has a vector for none of the tokens.
        """
        corpus, vocabulary = inputs.corpus, inputs.vocabulary
        path = Path(self.path)
        if path.suffix.lower() == ".bin":
            matrix = NgramModel(path).token_vectors(vocabulary)
        else:
            matrix = self._by_words(path, corpus, vocabulary, inputs.progress)
        matrix[[token.id for token in vocabulary.special]] = 0
        usable = np.any(matrix != 0, axis=1)
        if not usable.any():
            raise VectorsError(
                f"{path} gives a vector to none of the {len(vocabulary):,} target tokens; "
                "give word vectors of the corpus' language."
            )
        return TokenVectors(matrix, usable, inputs.counts)

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


CHUNK_TOKENS = 1 << 21
LONGEST_WORD_TOKENS = 32
NO_WORD_CATEGORIES = "PSZC"
"""Punctuation, symbols, separators and control characters are not part of words."""


def count_tokens_in_words(
    corpus: TokenizedCorpus,
    vocabulary: Vocabulary,
    columns: Mapping[str, int],
    *,
    progress: Progress = SILENT,
) -> csr_array:
    """Count how often each token occurs within each of some words.

    A word of the corpus is a token and those after it that continue its word; punctuation and the like are
    words of their own, so that ``Haus.`` counts for ``Haus``. A word that has no column as it is written
    counts for the one in lower case.

    Args:
        corpus: The text.
        vocabulary: Its tokens.
        columns: A number for each of the words.
        progress: Where to show how far the work is.

    Returns:
        A row for each target id, as many columns as the numbers span.
    """
    forms = [b""] * vocabulary.size
    for token in vocabulary.tokens:
        forms[token.id] = token.form
    apart = _stands_apart(vocabulary)
    begins = apart.copy()
    begins[[token.id for token in vocabulary.tokens if token.word_start is not False]] = True
    total = csr_array((vocabulary.size, 1 + max(columns.values(), default=-1)), dtype=np.int64)
    with progress.task("looking for words", corpus.tokens) as advance:
        for ids, offsets in corpus.lines_in_chunks(CHUNK_TOKENS):
            for words, times in _distinct_words(ids, offsets, begins, apart):
                texts = (
                    b"".join([forms[id] for id in word]).decode("utf-8", "replace") for word in words.tolist()
                )
                found = np.array(
                    [columns.get(text, columns.get(text.lower(), -1)) for text in texts], np.int64
                )
                known, length = found >= 0, words.shape[1]
                entries = (words[known].ravel(), np.repeat(found[known], length))
                total = total + csr_array((np.repeat(times[known], length), entries), shape=total.shape)
            advance(len(ids))
    return total


def _stands_apart(vocabulary: Vocabulary) -> Bool[np.ndarray, " size"]:
    """Which ids are no part of a word: special tokens, punctuation and the like."""
    apart = np.zeros(vocabulary.size, dtype=bool)
    for token in vocabulary.tokens:
        text = token.form.decode("utf-8", "ignore")
        categories = [unicodedata.category(character)[0] for character in text]
        apart[token.id] = bool(token.roles) or (text != "" and set(categories) <= set(NO_WORD_CATEGORIES))
    return apart


def _distinct_words(
    ids: Ids,
    offsets: Int64[np.ndarray, " lines+1"],
    begins: Bool[np.ndarray, " size"],
    apart: Bool[np.ndarray, " size"],
) -> Iterator[tuple[Int64[np.ndarray, "words length"], Int64[np.ndarray, " words"]]]:
    """The different words of some lines, those of one length at a time, and how often each occurs."""
    first = begins[ids]
    first[1:] |= apart[ids[:-1]]
    first[offsets[:-1][np.diff(offsets) > 0]] = True
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=len(ids))
    for length in range(1, LONGEST_WORD_TOKENS + 1):
        words = ids[starts[lengths == length][:, None] + np.arange(length)]
        if len(words):
            # Rows as opaque values: many times faster than np.unique(axis=0).
            rows = (
                np.ascontiguousarray(words).view(np.dtype((np.void, words.dtype.itemsize * length))).ravel()
            )
            distinct, times = np.unique(rows, return_counts=True)
            yield distinct.view(words.dtype).reshape(-1, length).astype(np.int64), times
