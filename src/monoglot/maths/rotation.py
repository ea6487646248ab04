"""The rotation that brings one set of points nearest to another."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def procrustes(
    points: Float64[np.ndarray, "pairs dim"], images: Float64[np.ndarray, "pairs image_dim"]
) -> Float64[np.ndarray, "dim image_dim"]:
    """Compute the orthogonal map that brings points nearest to their images.

    Solves ``argmin_W ‖X W - Y‖²`` over matrices with orthonormal columns (or rows, if the images have more
    dimensions): ``W = U Vᵀ`` of the singular value decomposition ``Xᵀ Y = U S Vᵀ`` (Schönemann 1966).

    Args:
        points: One point a row.
        images: Where each of them should come to lie.

    Returns:
        The map, to be multiplied from the right.
    """
    left, _, right = np.linalg.svd(points.T @ images, full_matrices=False)
    return np.asarray(left @ right)
