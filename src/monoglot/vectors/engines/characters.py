"""Vectors of how tokens are written: no text is needed, and every token has one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.base import Engine, TokenVectors
from monoglot.vectors.characters import form_matrix
from monoglot.vectors.registry import engine
from monoglot.vectors.svd import scaled_singular_vectors


@engine("characters")
@dataclass(frozen=True)
class Characters(Engine):
    """Places tokens by character n-grams and script alone; the corpus only tells how frequent they are.

    Attributes:
        dim: Length of a vector.
        longest_ngram: Characters of the longest n-grams, marks of start and end included.
    """

    dim: int = 300
    longest_ngram: int = 4

    def train(
        self,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        """Decompose the TF-IDF matrix of form features; the same for any number of threads."""
        matrix = scaled_singular_vectors(
            form_matrix(vocabulary, self.longest_ngram),
            self.dim,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        return TokenVectors(matrix, np.any(matrix != 0, axis=1), corpus.counts(vocabulary.size))
