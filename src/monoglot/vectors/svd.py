"""The largest singular vectors of a sparse matrix, the same to the last bit for any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float32
from scipy.sparse import csc_array, csr_array
from threadpoolctl import threadpool_limits

from monoglot.progress import SILENT, Progress

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
