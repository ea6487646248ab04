"""OMP: each missing token is the signed combination of overlapping tokens that comes nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cyclopts.validators import Number

from monoglot.initialization.anchors import from_anchors
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.pursuit import matching_pursuit
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress

MOST_ATOMS = 64


@register("omp")
@dataclass(frozen=True)
class Omp(Initializer):
    """``w = argmin ‖X[m] - Σ w_i X[A_i]‖²`` with at most k anchors A, found by orthogonal matching pursuit.

    Weights may be negative and need not sum to one. The auxiliary space is meant to be the embeddings of a
    donor, a model that has the target tokenizer (``--vectors model --vectors-options.path DONOR``); any other
    space will do.

    Reference: Goddard & Fernandes Neto 2025, "Training-Free Tokenizer Transplantation via Orthogonal Matching
    Pursuit" (arXiv 2506.06607), and `mergekit`.

    Attributes:
        k: The most anchors of one token, from 1 to 64.
    """

    needs_vectors: ClassVar[bool] = True
    is_convex: ClassVar[bool] = False
    k: Annotated[int, Number(gte=1, lte=MOST_ATOMS)] = MOST_ATOMS

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that have an auxiliary vector."""
        return from_anchors(
            transfer, transfer.anchors(), lambda q, a: matching_pursuit(q, a, self.k, progress=progress)
        )
