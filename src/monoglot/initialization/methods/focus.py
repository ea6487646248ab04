"""FOCUS: each missing token is a sparse convex combination of similar overlapping tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from monoglot.initialization.base import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.reliability import anchor_reliability
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.maths.similarity import cosine_sparsemax
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.overlap import Strategy


@register("focus")
@dataclass(frozen=True)
class Focus(Initializer):
    """``w = sparsemax(cos(X[m], X[A]))``: weights of the anchors A for each missing token m.

    Reference: Dobler & de Melo 2023, "FOCUS: Effective Embedding Initialization for Monolingual
    Specialization of Multilingual Models", section 3 (arXiv 2305.14481).

    Attributes:
        min_reliability: Anchors whose neighbours in the two spaces agree less than this are not mixed, see
            ``anchor_reliability``; 0 keeps all.
    """

    needs_vectors: ClassVar[bool] = True
    special_anchors: ClassVar[bool] = False
    min_reliability: float = 0.0

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that have an auxiliary vector."""
        vectors = transfer.required_vectors
        anchors = transfer.anchors(with_roles=self.special_anchors)
        if self.min_reliability:
            anchors = anchors.where(anchor_reliability(transfer, anchors) >= self.min_reliability)
        has_vector = vectors.usable[transfer.overlap.missing]
        queries = vectors.matrix[transfer.overlap.missing[has_vector]]
        weights = cosine_sparsemax(
            torch.from_numpy(queries).to(transfer.device),
            torch.from_numpy(vectors.matrix[anchors.target_ids]).to(transfer.device),
            progress=progress,
        ).with_columns(anchors.source_ids)
        # Row i of the answer is the next row of `weights`, or the empty one behind them.
        position = np.where(has_vector, np.cumsum(has_vector) - 1, len(weights))
        return SparseRows.stack([weights, SparseRows.empty(1)]).select(position)


@register("focus-reference")
@dataclass(frozen=True)
class FocusReference(Focus):
    """FOCUS as the authors' package `deepfocus` 1.0.1 does it, row by row.

    It compares tokens by their decoded text, lets special tokens be anchors, trusts every source row, and
    fills tokens without a vector with noise. For reproducing published results; `focus` is better.
    """

    special_anchors: ClassVar[bool] = True
    matching: ClassVar[Strategy] = "reference"
    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.NOISE,)
    ignores_untrained: ClassVar[bool] = False
