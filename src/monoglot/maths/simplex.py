"""Projection onto the probability simplex, exactly, from all scores or from the largest few."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def threshold(descending: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows 1"]:
    """Compute sparsemax's threshold τ of each row of scores that are sorted in descending order.

    With ``k = max{j : 1 + j z_(j) > Σ_{i≤j} z_(i)}``, ``τ = (Σ_{i≤k} z_(i) - 1) / k``
    (Martins & Astudillo 2016, algorithm 1).
    """
    ranks = torch.arange(1, descending.shape[1] + 1, dtype=descending.dtype, device=descending.device)
    sums = descending.cumsum(dim=1)
    support = (1 + ranks * descending > sums).sum(dim=1, keepdim=True)
    return (sums.gather(1, support - 1) - 1) / support


def sparsemax(scores: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Compute the point of the simplex nearest to each row: ``argmin_{p∈Δ} ‖p - z‖²``.

    Reference: Martins & Astudillo 2016, "From Softmax to Sparsemax", eq. 2.
    """
    shifted = scores - scores.amax(dim=1, keepdim=True)
    descending = shifted.sort(dim=1, descending=True).values
    return (shifted - threshold(descending)).clamp_min(0)


def sparsemax_of_largest(
    largest: Float[Tensor, "rows k"], *, complete: bool
) -> tuple[Float[Tensor, "rows k"], Bool[Tensor, " rows"]]:
    """Compute sparsemax of long rows of which only the k largest scores are known.

    The scores left out are at most the smallest one given, and sparsemax puts weight only on scores above τ.
    So the result is that of the whole row as soon as τ, computed from the k, reaches the smallest of them.

    Args:
        largest: The k largest scores of each row, in descending order.
        complete: Whether the rows have no other scores.

    Returns:
        The weights, and for each row whether they are certain to be those of the whole row.
    """
    shifted = largest - largest[:, :1]
    tau = threshold(shifted)
    certain = torch.full_like(tau[:, 0], complete, dtype=torch.bool) | (tau >= shifted[:, -1:])[:, 0]
    return (shifted - tau).clamp_min(0), certain
