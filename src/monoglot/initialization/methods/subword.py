"""Subword: each missing token is a mean of the pieces that the source tokenizer segments it into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from monoglot.initialization.initialize import Initializer, equal_pieces, pieces_by_length
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress

Weighting = Literal["mean", "first", "last", "length"]


@register("subword")
@dataclass(frozen=True)
class Subword(Initializer):
    """Weights for the source pieces of the token's text, by their length; no corpus, no vectors.

    The longer a piece, the more of the token's meaning it tends to carry: an ending of one letter counts
    little. Measured in docs/methods.md against the equal weights of the literature.

    References: Gee et al. 2022, "Fast Vocabulary Transfer for Language Model Compression" (mean); Kim et al.
    2024, "Efficient and Effective Vocabulary Expansion Towards Multilingual Large Language Models" (EEVE,
    arXiv 2402.14714: the mean for embeddings, the first piece for the output head).

    Attributes:
        weighting: ``length``, by the pieces' characters; ``mean``, equal; ``first`` or ``last``, that
            piece alone.
    """

    weighting: Weighting = "length"

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that have trained pieces."""
        if self.weighting == "length":
            return pieces_by_length(transfer)
        equal = equal_pieces(transfer)
        if self.weighting == "mean":
            return equal
        some = np.flatnonzero(equal.lengths > 0)
        place = equal.indptr[some] if self.weighting == "first" else equal.indptr[some + 1] - 1
        return SparseRows.single(equal.indices[place]).spread(equal.lengths > 0)
