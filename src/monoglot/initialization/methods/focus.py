"""FOCUS: each missing token is a sparse convex combination of similar overlapping tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.initialization.anchors import anchor_reliability, from_anchors
from monoglot.initialization.initialize import Initializer, initialize
from monoglot.initialization.option_rules import check_temperature
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.maths.similarity import cosine_sparsemax, nearest_weights, softmax_of
from monoglot.maths.simplex import sparsemax
from monoglot.maths.sparse import SparseRows
from monoglot.model.transplant import check_rows
from monoglot.options import CountOrZero, Weight
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.overlap import Strategy
from monoglot.vectors.engine import TokenVectors


@register("focus")
@dataclass(frozen=True)
class Focus(Initializer):
    """``w = sparsemax(cos(X[m], X[A]))``: weights of the anchors A for each missing token m.

    Reference: Dobler & de Melo 2023, "FOCUS: Effective Embedding Initialization for Monolingual
    Specialization of Multilingual Models", section 3 (arXiv 2305.14481).

    Attributes:
        min_reliability: Anchors whose neighbors in the two spaces agree less than this are not mixed, see
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
    anchors: CountOrZero = 0
    temperature: Weight = 0.0
    overlap: Strategy = "exact"

    def __post_init__(self) -> None:
        """Refuse options without sense.

        Raises:
            SettingError: If a number is out of range, or the overlap unknown.
        """
        super().__post_init__()
        check_temperature(self.temperature, self.anchors)

    @property
    def matching(self) -> Strategy:
        """The strategy of the same name."""
        return self.overlap

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
    overlap: Strategy = "reference"


def focus(
    source_tokenizer: PreTrainedTokenizerFast,
    target_tokenizer: PreTrainedTokenizerFast,
    source_embeddings: Float[Tensor, "rows dim"],
    vectors: TokenVectors | Float[np.ndarray, "target vectors_dim"],
    *,
    seed: int = 42,
    progress: Progress = SILENT,
) -> Float[Tensor, "target dim"]:
    """Compute embeddings for a new vocabulary as FOCUS does, in memory.

    1. Match the vocabularies: tokens that stand for the same bytes at the same place in a word are shared.
    2. Copy the rows of shared tokens bit for bit.
    3. Take the shared tokens that have an auxiliary vector as anchors.
    4. For each missing token m with a vector: ``w = sparsemax(cos(X[m], X[A]))`` over the anchors A.
    5. Its row is ``Σ w_i E[A_i]``: a sparse convex combination of source rows.
    6. A missing token without a vector gets the mean of its source pieces, by length; then the mean of its
       script; a special token without a counterpart is drawn from N(mean, std) of the trained rows.

    Reference: Dobler & de Melo 2023 (arXiv 2305.14481), section 3. `specialize` does the same stage by stage,
    and carries the output head and its bias along.

    Example::

        vectors = get_engine("fasttext").train(corpus, Vocabulary.of(new), seed=42)
        embeddings = focus(old, new, model.get_input_embeddings().weight, vectors)

    Args:
        source_tokenizer: Tokenizer of the source model.
        target_tokenizer: The new tokenizer.
        source_embeddings: The source table, a row for each source id.
        vectors: Auxiliary vectors, a row for each target id; rows of zeros are tokens without a vector.
        seed: Seed of the noise.
        progress: Where to show how far it is.

    Returns:
        A row for each target id, of the source's dtype and on its device.

    Raises:
        VectorsError: If there are not as many vectors as target ids, or one is not finite.
        ModelError: If the table is no matrix of finite floating-point numbers, or has fewer rows than the
            source tokenizer has ids.
    """
    _check_table(source_embeddings)
    if not isinstance(vectors, TokenVectors):
        vectors = TokenVectors.of(vectors)
    transfer = Transfer.of(
        source_tokenizer, target_tokenizer, embeddings=source_embeddings, vectors=vectors, seed=seed
    )
    mixture = initialize(transfer, Focus(), seed=seed, progress=progress)
    check_rows(source_tokenizer, len(source_embeddings), int(mixture.rows.indices.max(initial=-1)))
    return mixture.apply(source_embeddings)


def _check_table(table: object) -> None:
    """Refuse what is no matrix of finite floating-point numbers, before any work."""
    expected = "expected the source's embeddings, a floating-point torch.Tensor with a row for each id"
    if not isinstance(table, Tensor):
        raise ModelError(
            f"got {type(table).__name__}, {expected}: give model.get_input_embeddings().weight, or "
            "torch.from_numpy(…) of an array"
        )
    if table.dim() != 2 or not table.is_floating_point():
        raise ModelError(f"got a table of {table.dtype} with {table.dim()} dimensions, {expected}")
    broken = (~table.detach().isfinite().all(dim=1)).nonzero()
    if len(broken):
        raise ModelError(
            f"{len(broken):,} rows of the source embeddings are not finite (the first is row "
            f"{int(broken[0])}): correct the model, or set those rows to zero"
        )
