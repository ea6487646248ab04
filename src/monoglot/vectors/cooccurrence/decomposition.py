"""Positive pointwise mutual information, and its decomposition into vectors by randomized SVD."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from jaxtyping import Float32
from scipy.sparse import csc_array, csr_array
from threadpoolctl import threadpool_limits

from monoglot.progress import SILENT, Progress

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


OVERSAMPLING = 20
BLOCK_COLUMNS = 64
"""Columns multiplied at a time: few enough for the cache, and the unit of work of a thread."""
NEGLIGIBLE = 1e-6

Dense = Float32[np.ndarray, "rows columns"]


def scaled_singular_vectors(
    matrix: csr_array,
    rank: int,
    *,
    seed: int,
    power_iterations: int = 1,
    threads: int = 1,
    progress: Progress = SILENT,
) -> Float32[np.ndarray, "rows rank"]:
    """Compute ``U · S`` of the truncated singular value decomposition ``U · S · Vᵀ``.

    Reference: Halko, Martinsson & Tropp 2011, "Finding Structure with Randomness", algorithms 4.4 and 5.1.
    Threads share the work by columns of the dense factor, in blocks that don't depend on their number, and
    dense products are left to one thread, since a BLAS library may add up in another order for more.

    Args:
        matrix: The matrix, in float32.
        rank: How many singular values; fewer columns come out if the matrix has fewer rows or columns.
        seed: Seed of the random start.
        power_iterations: Each makes small singular values count less, at the cost of two products.
        threads: How many threads multiply.
        progress: Where to show how far the work is.

    Returns:
        One row for each row of the matrix, the columns by descending singular value.
    """
    width = min(rank + OVERSAMPLING, *matrix.shape)
    transposed = matrix.T
    generator = np.random.default_rng(seed)
    with (
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(threads) as pool,
        progress.task("singular values", 2 + 2 * power_iterations) as advance,
    ):

        def product(sparse: csr_array | csc_array, dense: Dense) -> Dense:
            result = np.empty((sparse.shape[0], width), dtype=np.float32)

            def multiply(at: int) -> None:
                block = slice(at, at + BLOCK_COLUMNS)
                result[:, block] = sparse @ dense[:, block].copy()

            list(pool.map(multiply, range(0, width, BLOCK_COLUMNS)))
            advance(1)
            return result

        # No name for the random start: it is as large as any of these, and not needed again.
        sample = product(matrix, generator.standard_normal((matrix.shape[1], width), dtype=np.float32))
        for _ in range(power_iterations):
            sample = product(matrix, orthonormal(product(transposed, orthonormal(sample))))
        basis = orthonormal(orthonormal(sample))
        small = product(transposed, basis)
        squares, vectors = np.linalg.eigh((small.T @ small).astype(np.float64))
        largest = np.argsort(-squares, kind="stable")[:rank]
        scaled = vectors[:, largest] * np.sqrt(np.maximum(squares[largest], 0))
        return np.asarray(basis @ scaled.astype(np.float32))


def orthonormal(columns: Dense) -> Dense:
    """Rotate and scale columns until they are orthonormal; negligible directions become zero."""
    squares, vectors = np.linalg.eigh((columns.T @ columns).astype(np.float64))
    scale = np.zeros_like(squares)
    kept = squares > NEGLIGIBLE * max(squares[-1], np.finfo(np.float64).tiny)
    scale[kept] = squares[kept] ** -0.5
    return np.asarray(columns @ (vectors * scale).astype(np.float32))
