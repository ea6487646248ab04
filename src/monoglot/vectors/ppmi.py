"""Positive pointwise mutual information: how much more often than by chance two tokens are neighbours."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

BLOCK_PAIRS = 1 << 22


def positive_pmi(counts: csr_array, *, smoothing: float = 0.75, shift: float = 0.0) -> csr_array:
    """Compute ``max(0, log(p(a, b) / (p(a) · q(b))) - shift)`` with ``q(b) ∝ count(b) ** smoothing``.

    Reference: Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with Lessons Learned from
    Word Embeddings", equations 3, 8 and 9: smoothing by 0.75 keeps rare contexts from dominating; the shift
    is the logarithm of the number of negative samples.

    Args:
        counts: Row ``a``, column ``b``: how often ``b`` was seen near ``a``; not changed.
        smoothing: Exponent of the context counts; 1 for none.
        shift: Taken off every value; may be negative.

    Returns:
        The values that are larger than zero, in float32.
    """
    rows = np.log(np.maximum(counts.sum(axis=1), 1))
    contexts = np.maximum(counts.sum(axis=0), 0.0) ** smoothing
    columns = np.log(np.maximum(contexts, 1.0) / max(contexts.sum(), 1.0))
    data, indices, lengths = [], [], np.zeros(counts.shape[0] + 1, dtype=np.int64)
    for start, stop in _row_blocks(counts):
        pairs = slice(counts.indptr[start], counts.indptr[stop])
        row = np.repeat(np.arange(start, stop), np.diff(counts.indptr[start : stop + 1]))
        values = np.log(counts.data[pairs]) - rows[row] - columns[counts.indices[pairs]] - shift
        kept = values > 0
        data.append(values[kept].astype(np.float32))
        indices.append(counts.indices[pairs][kept])
        lengths[1 + start : 1 + stop] = np.bincount(row[kept] - start, minlength=stop - start)
    kept_pairs = (
        np.concatenate(data),
        np.concatenate(indices),
        np.cumsum(lengths).astype(counts.indptr.dtype),
    )
    return csr_array(kept_pairs, shape=counts.shape)


def _row_blocks(counts: csr_array) -> list[tuple[int, int]]:
    """Ranges of rows with about ``BLOCK_PAIRS`` entries each."""
    wanted = np.arange(BLOCK_PAIRS, counts.nnz, BLOCK_PAIRS)
    bounds = np.unique([0, *np.searchsorted(counts.indptr, wanted).tolist(), counts.shape[0]]).tolist()
    return list(pairwise(bounds))
