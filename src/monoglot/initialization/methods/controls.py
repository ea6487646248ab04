"""Controls for honest comparison: random rows, the mean row, zeros. Not meant for use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress


@register("random")
@dataclass(frozen=True)
class Random(Initializer):
    """Missing tokens are drawn from N(mean, std) of the trained source rows, dimension by dimension."""

    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.NOISE,)

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """No answer for any token: all of them fall back to noise."""
        return SparseRows.empty(len(transfer.overlap.missing))


@register("mean")
@dataclass(frozen=True)
class Mean(Initializer):
    """Every missing token is the mean of the trained source rows."""

    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.MEAN,)

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """No answer for any token: all of them fall back to the mean."""
        return SparseRows.empty(len(transfer.overlap.missing))


@register("zero")
@dataclass(frozen=True)
class Zero(Initializer):
    """Every missing token is zero."""

    is_convex: ClassVar[bool] = False
    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.MEAN,)

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """One entry of weight zero for each token."""
        return SparseRows.single(np.zeros(len(transfer.overlap.missing), np.int64), weight=0.0)
