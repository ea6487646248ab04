"""Cosine similarities turned into weights, block by block: the whole matrix is never in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from monoglot.maths.simplex import sparsemax_of_largest
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.progress import SILENT, Progress

BLOCK_SCORES = 1 << 24
"""How many similarities are held at once (64 MiB of float32)."""

BLOCK_ROWS = 1 << 14
"""Rows of a table that are in memory at once, in float32."""

FIRST_CANDIDATES = 64
"""Anchors looked at first; sparsemax of cosines puts weight on about twenty of tens of thousands."""


def unit_rows(matrix: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows dim"]:
    """Scale each row to length one; squares are summed in float64, zero rows stay zero."""
    norms = matrix.double().square().sum(dim=1, keepdim=True).sqrt()
    return (matrix / norms.clamp_min(torch.finfo(torch.float64).tiny)).float()


def largest_cosines(
    queries: Float[Tensor, "queries dim"], anchors: Float[Tensor, "anchors dim"], k: int
) -> Iterator[tuple[slice, Float[Tensor, "block k"], Tensor]]:
    """For each query the k most similar anchors, block by block.

    Args:
        queries: Rows of unit length.
        anchors: Rows of unit length.
        k: How many anchors.

    Yields:
        The block's rows among the queries, the cosines in descending order, and the anchors' row numbers.
    """
    for rows, cosines in _blocks(queries, anchors):
        yield rows, *cosines.topk(k, dim=1)


def _blocks(
    queries: Float[Tensor, "queries dim"], anchors: Float[Tensor, "anchors dim"]
) -> Iterator[tuple[slice, Float[Tensor, "block anchors"]]]:
    """All products of some queries at a time with the anchors."""
    block = max(16, BLOCK_SCORES // max(1, len(anchors)))
    for start in range(0, len(queries), block):
        rows = slice(start, min(start + block, len(queries)))
        yield rows, queries[rows] @ anchors.T


@torch.inference_mode()
def cosine_sparsemax(
    queries: Float[Tensor, "queries dim"],
    anchors: Float[Tensor, "anchors dim"],
    *,
    first_candidates: int = FIRST_CANDIDATES,
    progress: Progress = SILENT,
) -> SparseRows:
    """Compute ``sparsemax(cos(queries, anchors))`` for each query, exactly, in constant memory.

    Only the largest cosines of a row are looked at; where the support might reach beyond them (see
    ``sparsemax_of_largest``), four times as many, and so on. FOCUS, section 3.2 of
    Dobler & de Melo 2023.

    Args:
        queries: Auxiliary vectors of the missing tokens.
        anchors: Auxiliary vectors of the tokens to be mixed.
        first_candidates: How many cosines to look at first.
        progress: Where to show how far it is.

    Returns:
        One row for each query; columns are rows of ``anchors``, in ascending order.
    """
    if len(anchors) == 0:
        return SparseRows.empty(len(queries))
    queries, anchors = unit_rows(queries), unit_rows(anchors)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    with progress.task("Comparing tokens", total=len(queries)) as advance:
        for rows, cosines in _blocks(queries, anchors):
            pending = torch.arange(rows.start, rows.stop, device=queries.device)
            k = min(first_candidates, len(anchors))
            while len(pending):
                largest, columns = cosines.topk(k, dim=1)
                weights, certain = sparsemax_of_largest(largest.double(), complete=k == len(anchors))
                entries = (weights > 0) & certain[:, None]
                row, _ = entries.nonzero(as_tuple=True)
                parts.append((pending[row], columns[entries], weights[entries]))
                pending, cosines = pending[~certain], cosines[~certain]
                k = min(4 * k, len(anchors))
            advance(rows.stop - rows.start)
    return _assemble(parts, len(queries))


@torch.inference_mode()
def nearest_weights(
    queries: Float[Tensor, "queries dim"],
    anchors: Float[Tensor, "anchors dim"],
    k: int,
    weigh: Callable[[Float[Tensor, "block k"]], Float[Tensor, "block k"]],
    *,
    progress: Progress = SILENT,
) -> SparseRows:
    """Compute weights of each query's k nearest anchors from their cosines.

    Args:
        queries: Vectors of the missing tokens.
        anchors: Vectors of the tokens to be mixed.
        k: How many anchors, at most.
        weigh: Gives the weights of cosines in descending order, such as ``sparsemax``; zeros are dropped.
        progress: Where to show how far it is.

    Returns:
        One row for each query; columns are rows of ``anchors``, in ascending order.
    """
    if len(anchors) == 0:
        return SparseRows.empty(len(queries))
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    with progress.task("Comparing tokens", total=len(queries)) as advance:
        nearest = largest_cosines(unit_rows(queries), unit_rows(anchors), min(k, len(anchors)))
        for rows, cosines, columns in nearest:
            weights = weigh(cosines.double())
            row, column = weights.nonzero(as_tuple=True)
            parts.append((row + rows.start, columns[row, column], weights[row, column]))
            advance(rows.stop - rows.start)
    return _assemble(parts, len(queries))


def softmax_of(temperature: float) -> Callable[[Float[Tensor, "rows k"]], Float[Tensor, "rows k"]]:
    """Give the function ``softmax(z / temperature)`` of each row."""
    return lambda cosines: (cosines / temperature).softmax(dim=1)


def _assemble(parts: list[tuple[Tensor, Tensor, Tensor]], n_rows: int) -> SparseRows:
    """Order entries that came in blocks by row, then by column."""
    if not parts:
        return SparseRows.empty(n_rows)
    rows, columns, weights = (torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True))
    order = np.lexsort((columns, rows))
    lengths = np.bincount(rows, minlength=n_rows).astype(np.int64)
    return SparseRows(offsets(lengths), columns[order].astype(np.int64), weights[order].astype(np.float32))


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


@torch.inference_mode()
def nearest_rows(
    query: Float[Tensor, " dim"],
    table: Float[Tensor, "rows dim"],
    allowed: Bool[np.ndarray, " rows"],
    most: int,
) -> list[tuple[int, float]]:
    """Find the rows of a table with the largest cosine to a vector.

    Args:
        query: The vector.
        table: The rows; as many as ``allowed`` has entries are looked at.
        allowed: Which rows count.
        most: How many to find.

    Returns:
        Row numbers and cosines, the largest first.
    """
    direction = unit_rows(query.float()[None])[0]
    cosines = torch.cat(
        [
            unit_rows(table[start : min(start + BLOCK_ROWS, len(allowed))].float()) @ direction
            for start in range(0, len(allowed), BLOCK_ROWS)
        ]
    )
    cosines[torch.from_numpy(~allowed)] = -torch.inf
    found = torch.topk(cosines, min(most, int(allowed.sum())))
    return [(int(row), float(cosine)) for cosine, row in zip(*found, strict=True)]


@torch.inference_mode()
def cosines_to(
    query: Float[Tensor, " dim"], table: Float[Tensor, "rows dim"], ids: Int64[np.ndarray, " ids"]
) -> list[float]:
    """The cosine of a vector and each of some rows."""
    rows = unit_rows(table[torch.from_numpy(ids)].float())
    cosines: list[float] = (rows @ unit_rows(query.float()[None])[0]).tolist()
    return cosines
