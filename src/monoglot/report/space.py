"""Embeddings in figures: a plane to see them on, and how long they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from scipy.linalg import eigh
from torch import Tensor

FITTED_ROWS = 5_000
"""Rows of each table that the plane is fitted to: more would not move it visibly."""
BLOCK_ROWS = 1 << 14


@dataclass(frozen=True)
class Plane:
    """The plane that shows most of the variance of some rows.

    Attributes:
        center: Their mean.
        axes: Two orthonormal directions, that of the largest variance first.
        shares: What share of the variance each shows.
    """

    center: Float64[np.ndarray, " dim"]
    axes: Float64[np.ndarray, "dim 2"]
    shares: tuple[float, float]

    def place(self, rows: Float[Tensor, "rows dim"]) -> Float32[np.ndarray, "rows 2"]:
        """Where rows lie on the plane."""
        places = (rows.double().numpy() - self.center) @ self.axes
        return np.asarray(places, np.float32)


def fit_plane(rows: Float[Tensor, "rows dim"]) -> Plane:
    """Find the first two principal components; equal rows give an equal plane, signs included."""
    values = rows.double().numpy()
    center = values.mean(axis=0)
    centered = values - center
    dim = values.shape[1]
    covariance = centered.T @ centered
    variances, directions = eigh(covariance, subset_by_index=[max(0, dim - 2), dim - 1])
    axes = np.zeros((dim, 2))
    axes[:, : len(variances)] = directions[:, ::-1]  # the largest come last; one dimension has only one
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(2)]
    axes *= np.where(largest < 0, -1.0, 1.0)
    total = max(float(np.trace(covariance)), np.finfo(float).tiny)
    shares = np.append(variances[::-1] / total, 0.0)
    return Plane(center, axes, (float(shares[0]), float(shares[1])))


def spread_out(ids: Int64[np.ndarray, " ids"], most: int) -> Int64[np.ndarray, " chosen"]:
    """At most so many of some ids, at equal distances."""
    if len(ids) <= most:
        return ids
    return ids[np.linspace(0, len(ids) - 1, most).astype(np.int64)]


def row_norms(table: Float[Tensor, "rows dim"]) -> Float32[np.ndarray, " rows"]:
    """The Euclidean length of each row, of a table that may be larger than memory."""
    norms = [block.float().norm(dim=1) for block in blocks(table)]
    return np.asarray(torch.cat(norms).numpy(), np.float32)


def blocks(table: Float[Tensor, "rows dim"]) -> Iterator[Float[Tensor, "block dim"]]:
    """The table some rows at a time, so that a mapped one is not read into memory at once."""
    for start in range(0, len(table), BLOCK_ROWS):
        yield table[start : start + BLOCK_ROWS]
