"""Cosine similarity followed by sparsemax, in blocks: never the whole matrix of similarities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from monoglot.maths.simplex import sparsemax_of_largest
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.progress import SILENT, Progress

BLOCK_SCORES = 1 << 24
"""How many similarities are held at once (64 MiB of float32)."""

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
    block = max(16, BLOCK_SCORES // max(1, len(anchors)))
    for start in range(0, len(queries), block):
        rows = slice(start, min(start + block, len(queries)))
        values, columns = (queries[rows] @ anchors.T).topk(k, dim=1)
        yield rows, values, columns


@torch.inference_mode()
def cosine_sparsemax(
    queries: Float[Tensor, "queries dim"],
    anchors: Float[Tensor, "anchors dim"],
    *,
    first_candidates: int = FIRST_CANDIDATES,
    progress: Progress = SILENT,
) -> SparseRows:
    """Compute ``sparsemax(cos(queries, anchors))`` for each query, exactly, in constant memory.

    Only the largest cosines of a block are kept; rows whose support might reach beyond them (see
    ``sparsemax_of_largest``) are done again with four times as many. FOCUS, section 3.2 of
    Dobler & de Melo 2023.

    Args:
        queries: Auxiliary vectors of the missing tokens.
        anchors: Auxiliary vectors of the tokens to be mixed.
        first_candidates: How many cosines to keep at first.
        progress: Where to show how far it is.

    Returns:
        One row for each query; columns are rows of ``anchors``, in ascending order.
    """
    if len(anchors) == 0:
        return SparseRows.empty(len(queries))
    queries, anchors = unit_rows(queries), unit_rows(anchors)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    pending = torch.arange(len(queries), device=queries.device)
    k = min(first_candidates, len(anchors))
    with progress.task("Comparing tokens", total=len(queries)) as advance:
        while len(pending):
            uncertain = []
            for rows, cosines, columns in largest_cosines(queries[pending], anchors, k):
                weights, certain = sparsemax_of_largest(cosines.double(), complete=k == len(anchors))
                entries = (weights > 0) & certain[:, None]
                row_in_block, _ = entries.nonzero(as_tuple=True)
                parts.append((pending[rows][row_in_block], columns[entries], weights[entries]))
                uncertain.append(pending[rows][~certain])
                advance(int(certain.sum()))
            pending = torch.cat(uncertain)
            k = min(4 * k, len(anchors))
    return _assemble(parts, len(queries))


def _assemble(parts: list[tuple[Tensor, Tensor, Tensor]], n_rows: int) -> SparseRows:
    """Order entries that came in blocks by row, then by column."""
    if not parts:
        return SparseRows.empty(n_rows)
    rows, columns, weights = (torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True))
    order = np.lexsort((columns, rows))
    lengths = np.bincount(rows, minlength=n_rows).astype(np.int64)
    return SparseRows(offsets(lengths), columns[order].astype(np.int64), weights[order].astype(np.float32))
