"""CLP-Transfer: each missing token is a mean of overlapping tokens, weighted by plain cosines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float64
from torch import Tensor

from monoglot.initialization.anchors import from_anchors
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.similarity import nearest_weights
from monoglot.maths.sparse import SparseRows
from monoglot.options import CountOrZero
from monoglot.progress import SILENT, Progress

LEAST_BALANCE = 0.05
"""Cosines whose sum is less than this share of their absolute sum cancel out: they name no mean."""


@register("clp")
@dataclass(frozen=True)
class Clp(Initializer):
    """``w = cos(X[m], X[A]) / Σ cos(X[m], X[A])`` over the anchors A nearest to each missing token m.

    The auxiliary space is meant to be the embeddings of a helper, a small model of the target language that
    has the target tokenizer (``--vectors model --vectors-options.path HELPER``); any other space will do.
    The paper's sum is over all overlapping tokens, negative cosines with their sign. Rows of weights for tens
    of thousands of anchors would fill the memory, so only the nearest count, whose cosines are hardly ever
    negative; ``anchors`` 0 is the paper's sum. Where cosines cancel out there is no answer.

    Reference: Ostendorff & Rehm 2023, "Efficient Language Model Training through Cross-Lingual and
    Progressive Transfer Learning" (arXiv 2301.09626), section 3, and its code.

    Attributes:
        anchors: How many of the nearest anchors are mixed; 0 for all.
    """

    needs_vectors: ClassVar[bool] = True
    anchors: CountOrZero = 256

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that have an auxiliary vector."""
        anchors = transfer.anchors()
        nearest = self.anchors or len(anchors)
        return from_anchors(
            transfer, anchors, lambda q, a: nearest_weights(q, a, nearest, _shares, progress=progress)
        )


def _shares(cosines: Float64[Tensor, "rows k"]) -> Float64[Tensor, "rows k"]:
    """Each row over its sum; zeros where the sum is next to nothing."""
    total = cosines.sum(dim=1, keepdim=True)
    names_a_mean = total > LEAST_BALANCE * cosines.abs().sum(dim=1, keepdim=True)
    return torch.where(names_a_mean, cosines / total, 0)
