"""Subword mean: each missing token is the mean of the pieces that the source tokenizer cuts it into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monoglot.initialization.base import Initializer
from monoglot.initialization.fallbacks import pieces_mean
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress


@register("subword")
@dataclass(frozen=True)
class Subword(Initializer):
    """Equal weights for the source pieces of the token's text; no corpus, no vectors.

    Reference: Gee et al. 2022, "Fast Vocabulary Transfer for Language Model Compression".
    """

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that have trained pieces."""
        return pieces_mean(transfer, np.ones(len(transfer.overlap.missing), bool))
