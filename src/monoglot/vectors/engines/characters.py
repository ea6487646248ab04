"""Vectors of the form of tokens: TF-IDF of character n-grams, scripts and categories, decomposed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import csr_array

from monoglot.options import Count, Dimension
from monoglot.tokenization.parts import Token
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.cooccurrence.decomposition import scaled_singular_vectors
from monoglot.vectors.engine import Engine, EngineInputs, TokenVectors
from monoglot.vectors.registry import engine


@engine("characters")
@dataclass(frozen=True)
class Characters(Engine):
    """Places tokens by character n-grams and script alone; the corpus only tells how frequent they are.

    Attributes:
        dim: Length of a vector.
        longest_ngram: Characters of the longest n-grams, marks of start and end included.
    """

    dim: Dimension = 300
    longest_ngram: Count = 4

    def vectors(self, inputs: EngineInputs) -> TokenVectors:
        """Decompose the TF-IDF matrix of form features; the same for any number of threads."""
        matrix = scaled_singular_vectors(
            form_matrix(inputs.vocabulary, self.longest_ngram),
            self.dim,
            seed=inputs.seed,
            threads=inputs.threads,
            progress=inputs.progress,
        )
        return TokenVectors(matrix, np.any(matrix != 0, axis=1), inputs.counts)


def form_matrix(vocabulary: Vocabulary, longest_ngram: int = 4) -> csr_array:
    """Compute the TF-IDF matrix of form features, with rows of unit length.

    Features of a single token are left out, as nothing else shares them; special tokens have a zero row.

    Args:
        vocabulary: The tokens.
        longest_ngram: Characters of the longest n-gram, marks included.

    Returns:
        A row for each id that the vocabulary spans, a column for each feature, in float32.
    """
    numbers: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for token in vocabulary.tokens:
        if token.roles:
            continue
        features = [numbers.setdefault(name, len(numbers)) for name in form_features(token, longest_ngram)]
        columns.extend(features)
        rows.extend([token.id] * len(features))
    shape = (vocabulary.size, len(numbers))
    counts = csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    tokens_with = np.bincount(counts.indices, minlength=shape[1])
    rarity = np.log((1 + vocabulary.size) / (1 + tokens_with)) + 1
    counts.data = ((1 + np.log(counts.data)) * rarity[counts.indices]).astype(np.float32)
    shared = counts[:, np.flatnonzero(tokens_with > 1)]
    lengths = np.sqrt(shared.power(2).sum(axis=1))
    shared.data /= np.repeat(np.maximum(lengths, np.finfo(np.float32).tiny), np.diff(shared.indptr))
    return shared


BEGIN, END = "\x02", "\x03"
WORD_START = "▁"


def form_features(token: Token, longest_ngram: int) -> Iterator[str]:
    """List what can be said about the form of a token.

    These are the n-grams of its characters, with marks for the start of a word, of the token and its end, and
    for each character its script (the first word of its Unicode name) and its general category: the
    only things that tokens of a foreign script share.
    """
    text = token.form.decode("utf-8", errors="surrogateescape")
    marked = f"{BEGIN}{WORD_START if token.word_start else ''}{text}{END}"
    for length in range(1, longest_ngram + 1):
        for start in range(len(marked) - length + 1):
            yield marked[start : start + length]
    for character in text:
        yield from _character_class(character)


@cache
def _character_class(character: str) -> tuple[str, str]:
    """Script and category of a character, written so that they can't be taken for n-grams."""
    script = unicodedata.name(character, "?").split(" ")[0]
    return f"{BEGIN}{BEGIN}{script}", f"{BEGIN}{BEGIN}{unicodedata.category(character)}"
