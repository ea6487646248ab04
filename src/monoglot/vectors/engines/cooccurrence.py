"""Vectors from co-occurrence counts, joined with vectors of form so that every token has one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from scipy.sparse import csr_array

from monoglot.options import Count, Dimension, Share, Weight, Window
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.cooccurrence.decomposition import positive_pmi, scaled_singular_vectors
from monoglot.vectors.cooccurrence.pair_counts import MOST_PAIRS, count_pairs
from monoglot.vectors.cooccurrence.pair_table import PairTable
from monoglot.vectors.engine import Engine, EngineInputs, TokenVectors
from monoglot.vectors.engines.characters import form_matrix
from monoglot.vectors.registry import engine


@engine("cooccurrence")
@dataclass(frozen=True)
class Cooccurrence(Engine):
    """Decomposes two matrices, of neighbors in the corpus and of character n-grams, and joins the results.

    The cosine of two joined vectors is a weighted mean of the cosines of their parts. For a token that is
    frequent in the corpus the two parts weigh as ``form_share`` says; the less often a token occurs, the more
    its form decides, and it alone for one that never occurs. The same for a seed on any number of threads.

    Attributes:
        window: Neighbors to each side.
        smoothing: Exponent of the neighbors' frequencies, see ``positive_pmi``.
        shift: Taken off the mutual information.
        context_dim: Length of the part that comes from neighbors.
        form_dim: Length of the part that comes from characters.
        longest_ngram: Characters of the longest n-grams, marks of start and end included.
        form_share: Weight of the form of a frequent token, from 0 to 1.
        half_evidence_count: Number of occurrences at which the context has half of its part in a vector.
        most_pairs: Different pairs of neighbors that are used, the most frequent ones; bounds the memory.
    """

    window: Window = 3
    smoothing: Weight = 0.75
    shift: Weight = 0.0
    context_dim: Dimension = 300
    form_dim: Dimension = 300
    longest_ngram: Count = 4
    form_share: Share = 0.5
    half_evidence_count: Weight = 5.0
    most_pairs: Count = MOST_PAIRS

    def vectors(self, inputs: EngineInputs) -> TokenVectors:
        """Count neighbors, decompose, join."""
        before = count_pairs(
            inputs.corpus,
            inputs.vocabulary.size,
            window=self.window,
            most_pairs=self.most_pairs,
            threads=inputs.threads,
            progress=inputs.progress,
        )
        return self._place(before, inputs.counts, inputs)

    def train_on_counts(
        self,
        table: PairTable,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        """Make the vectors of a corpus that was counted elsewhere, with the same window.

        Args:
            table: Counts of the whole corpus (see ``count_shards``).
            vocabulary: The target tokens.
            seed: Seed of all that is drawn.
            threads: How many threads may be used.
            progress: Where to show how far the work is.
        """
        nothing = TokenizedCorpus(np.zeros(0, np.uint32), np.zeros(1, np.int64))
        inputs = EngineInputs(nothing, vocabulary, seed, threads, progress)
        return self._place(table.most_frequent(self.most_pairs), np.asarray(table.token_counts), inputs)

    def _place(
        self,
        before: csr_array,
        counts: Int64[np.ndarray, " target"],
        inputs: EngineInputs,
    ) -> TokenVectors:
        """Decompose and join."""
        neighbors = positive_pmi(before + before.T.tocsr(), smoothing=self.smoothing, shift=self.shift)
        del before
        context = scaled_singular_vectors(
            neighbors, self.context_dim, seed=inputs.seed, threads=inputs.threads, progress=inputs.progress
        )
        form = scaled_singular_vectors(
            form_matrix(inputs.vocabulary, self.longest_ngram),
            self.form_dim,
            seed=inputs.seed,
            threads=inputs.threads,
            progress=inputs.progress,
        )
        evidence = counts / (counts + self.half_evidence_count)
        matrix = joined(context, form, (1 - self.form_share) * evidence**2)
        matrix[[token.id for token in inputs.vocabulary.special]] = 0
        return TokenVectors(matrix, np.any(matrix != 0, axis=1), counts)


def joined(
    first: Float32[np.ndarray, "rows a"],
    second: Float32[np.ndarray, "rows b"],
    share: Float32[np.ndarray, " rows"],
) -> Float32[np.ndarray, "rows a+b"]:
    """Concatenate unit rows so that ``share`` of the squared length is the first's, the rest the second's."""
    parts = (unit_rows(first) * np.sqrt(share)[:, None], unit_rows(second) * np.sqrt(1 - share)[:, None])
    return np.concatenate(parts, axis=1).astype(np.float32)


def unit_rows(matrix: Float32[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "rows columns"]:
    """Scale each row to length one; zero rows stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
    return np.asarray(matrix / np.maximum(lengths, np.finfo(np.float32).tiny)[:, None], dtype=np.float32)
