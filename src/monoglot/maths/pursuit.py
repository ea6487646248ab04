"""Orthogonal matching pursuit: targets as signed combinations of few atoms, many targets at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from monoglot.maths.sparse import SparseRows, offsets
from monoglot.progress import SILENT, Progress

BLOCK_SCORES = 1 << 24
"""How many inner products are held at once (64 MiB of float32)."""
MOST_TARGETS = 512
"""Targets at a time at most: their bases are held in float64."""
EXPLAINED = 1e-6
"""A target whose residual is this much of it is explained: what would come next is rounding."""
DEPENDENT = 1e-4
"""An atom of which only this much is outside the span of those chosen says nothing new."""


@torch.inference_mode()
def matching_pursuit(
    targets: Float[Tensor, "targets dim"],
    atoms: Float[Tensor, "atoms dim"],
    k: int,
    *,
    progress: Progress = SILENT,
) -> SparseRows:
    """Compute ``argmin_c ‖y - Σ c_i a_i‖²`` over combinations of at most k atoms, greedily.

    In each step the atom with the largest inner product with the residual is added (atoms are taken as long
    as they are, as in mergekit), and all coefficients are fitted anew by least squares, by a QR
    decomposition that grows by a column a step. Inner products are float32, everything else float64. A
    target is finished early when it is explained, or when the best atom depends on those that it has.

    Reference: Pati, Rezaiifar & Krishnaprasad 1993; Goddard 2025, "Training-Free Tokenizer Transplantation
    via Orthogonal Matching Pursuit" (arXiv 2506.06607).

    Args:
        targets: What is to be combined.
        atoms: What it may be combined of.
        k: The most atoms of one target.
        progress: Where to show how far it is.

    Returns:
        One row for each target; columns are atoms, in ascending order; empty where no atom helps.
    """
    k = min(k, *atoms.shape)
    block = max(16, min(MOST_TARGETS, BLOCK_SCORES // max(1, len(atoms))))
    parts: list[SparseRows] = []
    with progress.task("Matching tokens", total=len(targets)) as advance:
        atoms = atoms.float()
        for some in targets.split(block):
            parts.append(_pursue(some, atoms, k) if k else SparseRows.empty(len(some)))
            advance(len(some))
    return SparseRows.stack(parts) if parts else SparseRows.empty(0)


@dataclass
class _Bases:
    """The QR decompositions of what each target of a block has chosen so far.

    Attributes:
        q: Orthonormal rows; zero where nothing was chosen.
        r: The chosen atoms in terms of them, by column; as in the identity where nothing was chosen.
        chosen: The atoms.
    """

    q: Float[Tensor, "targets k dim"]
    r: Float[Tensor, "targets k k"]
    chosen: Int64[Tensor, "targets k"]

    def extend(
        self, step: int, atoms: Float[Tensor, "targets dim"], is_open: Bool[Tensor, " targets"]
    ) -> Bool[Tensor, " targets"]:
        """Append an atom to each basis; tell for which targets it was independent of the others."""
        before = self.q[:, :step]
        rest, shares = atoms, torch.zeros_like(self.r[:, :step, 0])
        for _ in range(2):  # the second time removes what rounding left of the first
            part = torch.einsum("tkd,td->tk", before, rest)
            rest = rest - torch.einsum("tkd,tk->td", before, part)
            shares += part
        length = rest.norm(dim=1)
        is_new: Bool[Tensor, " targets"] = is_open & (length > DEPENDENT * atoms.norm(dim=1))
        self.q[:, step] = torch.where(is_new[:, None], rest / length.clamp_min(1e-300)[:, None], 0)
        self.r[:, :step, step] = torch.where(is_new[:, None], shares, 0)
        self.r[:, step, step] = torch.where(is_new, length, 1)
        return is_new


def _pursue(targets: Float[Tensor, "targets dim"], atoms: Float[Tensor, "atoms dim"], k: int) -> SparseRows:
    """The pursuit of one block of targets; those that are finished run along with zeros."""
    count, dim = targets.shape
    wanted, device = targets.double(), targets.device
    q = torch.zeros(count, k, dim, dtype=wanted.dtype, device=device)
    r = torch.eye(k, dtype=wanted.dtype, device=device).repeat(count, 1, 1)
    bases = _Bases(q, r, chosen=torch.zeros(count, k, dtype=torch.long, device=device))
    used = torch.zeros(count, k, dtype=torch.bool, device=device)
    residual, is_open = wanted.clone(), wanted.norm(dim=1) > 0
    for step in range(k):
        products = (residual.float() @ atoms.T).abs_()
        products.scatter_(1, bases.chosen[:, :step], -1)
        best = products.argmax(dim=1)
        bases.chosen[:, step] = best
        is_open = bases.extend(step, atoms[best].double(), is_open)
        used[:, step] = is_open
        direction = bases.q[:, step]
        residual = residual - direction * (direction * residual).sum(dim=1, keepdim=True)
        is_open = is_open & (residual.norm(dim=1) > EXPLAINED * wanted.norm(dim=1))
        if not is_open.any():
            break
    inner = torch.einsum("tkd,td->tk", bases.q, wanted)
    weights = torch.linalg.solve_triangular(bases.r, inner[:, :, None], upper=True)[:, :, 0]
    return _rows(bases.chosen.cpu().numpy(), weights.cpu().numpy(), used.cpu().numpy())


def _rows(
    chosen: Int64[np.ndarray, "targets k"],
    weights: Float[np.ndarray, "targets k"],
    used: Bool[np.ndarray, "targets k"],
) -> SparseRows:
    """The entries that are used, columns in ascending order."""
    rows = np.nonzero(used)[0]
    order = np.lexsort((chosen[used], rows))
    lengths = used.sum(axis=1).astype(np.int64)
    return SparseRows(offsets(lengths), chosen[used][order], weights[used][order].astype(np.float32))
