"""FOCUS: each missing token is a sparse convex combination of similar overlapping tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, get_args

from jaxtyping import Float
from torch import Tensor

from monoglot.errors import SettingError, did_you_mean
from monoglot.initialization.anchors import anchor_reliability, from_anchors
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.maths.similarity import cosine_sparsemax, nearest_weights, softmax_of
from monoglot.maths.simplex import sparsemax
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
        anchors: How many of the nearest anchors may get weight; 0 for any number, as in the paper.
        temperature: Positive for ``softmax(cos / temperature)`` in the place of sparsemax, for comparison;
            as softmax gives every anchor a weight, it needs a number of ``anchors``.
        overlap: Which tokens count as shared: ``exact``; ``fuzzy``, also those that differ only in case or
            word start; ``symbols``, only special tokens, numbers and punctuation.
    """

    needs_vectors: ClassVar[bool] = True
    special_anchors: ClassVar[bool] = False
    min_reliability: float = 0.0
    anchors: int = 0
    temperature: float = 0.0
    overlap: str = "exact"

    def __post_init__(self) -> None:
        """Refuse options without sense.

        Raises:
            SettingError: If a number is out of range, or the overlap unknown.
        """
        if self.anchors < 0 or self.temperature < 0:
            raise SettingError("focus's anchors and temperature are 0 (for none) or positive")
        if self.temperature and not self.anchors:
            raise SettingError(
                "focus with a temperature needs a number of anchors: softmax would mix them all"
            )
        if self.overlap not in (known := get_args(Strategy)):
            raise SettingError(f"unknown overlap '{self.overlap}': {did_you_mean(self.overlap, known)}")

    @property
    def matching(self) -> Strategy:
        """The strategy of the same name."""
        return next(strategy for strategy in get_args(Strategy) if strategy == self.overlap)

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that have an auxiliary vector."""
        anchors = transfer.anchors(with_roles=self.special_anchors, with_untrained=not self.ignores_untrained)
        if self.min_reliability:
            anchors = anchors.where(anchor_reliability(transfer, anchors) >= self.min_reliability)

        def weights(
            queries: Float[Tensor, "queries dim"], vectors: Float[Tensor, "anchors dim"]
        ) -> SparseRows:
            if not self.anchors:
                return cosine_sparsemax(queries, vectors, progress=progress)
            weigh = softmax_of(self.temperature) if self.temperature else sparsemax
            return nearest_weights(queries, vectors, self.anchors, weigh, progress=progress)

        return from_anchors(transfer, anchors, weights)


@register("focus-reference")
@dataclass(frozen=True)
class FocusReference(Focus):
    """FOCUS as the authors' package `deepfocus` 1.0.1 does it, row by row.

    It compares tokens by their decoded text, lets special tokens be anchors, trusts every source row, and
    fills tokens without a vector with noise. For reproducing published results; `focus` is better.
    """

    special_anchors: ClassVar[bool] = True
    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.NOISE,)
    ignores_untrained: ClassVar[bool] = False
    overlap: str = "reference"
