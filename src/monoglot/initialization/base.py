"""From an overlap to a mixture: the copied rows, the method's rows, and what fills the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Int64

from monoglot.errors import SettingError, VectorsError
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.overlap import MatchKind, Overlap, Strategy
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.base import TokenVectors


@dataclass(frozen=True)
class Transfer:
    """All that an initialisation method may look at.

    Attributes:
        source: The vocabulary whose rows exist.
        target: The vocabulary whose rows are wanted.
        overlap: Which target tokens have a row in the source, and which are missing.
        pieces: For each missing token the source ids that the source tokenizer cuts it into.
        trained: Which source rows were trained; others are neither mixed nor averaged.
        vectors: Static vectors of the target tokens, if the method asked for them.
        device: Where to compute.
    """

    source: Vocabulary
    target: Vocabulary
    overlap: Overlap
    pieces: Pieces
    trained: Bool[np.ndarray, " source"]
    vectors: TokenVectors | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse parts that don't belong together.

        Raises:
            VectorsError: If there are not as many vectors as target rows.
            SettingError: If the other parts disagree in length.
        """
        if self.vectors is not None and len(self.vectors.matrix) != self.target.size:
            raise VectorsError(
                f"got {len(self.vectors.matrix):,} auxiliary vectors for a vocabulary of "
                f"{self.target.size:,} ids: train them with the target tokenizer"
            )
        if len(self.pieces.indptr) != len(self.overlap.missing) + 1:
            raise SettingError("the pieces were not made for the missing tokens of this overlap")
        if len(self.trained) != self.source.size:
            raise SettingError("`trained` needs one entry for each source id")

    def anchors(self, *, with_roles: bool = False) -> Overlap:
        """The pairs that may be mixed: trained rows with a usable auxiliary vector.

        Args:
            with_roles: Whether special tokens count, as in the reference.

        Raises:
            SettingError: If no vectors were given.
        """
        keep = self.required_vectors.usable[self.overlap.target_ids] & self.trained[self.overlap.source_ids]
        if not with_roles:
            keep &= self.overlap.kinds != MatchKind.ROLE
        pairs = (self.overlap.source_ids[keep], self.overlap.target_ids[keep], self.overlap.kinds[keep])
        return Overlap(*pairs, missing=self.overlap.missing)

    @property
    def required_vectors(self) -> TokenVectors:
        """The auxiliary vectors, for a method that can't do without.

        Raises:
            SettingError: If no vectors were given.
        """
        if self.vectors is None:
            raise SettingError("this initialisation method needs auxiliary vectors, and none were given")
        return self.vectors


@dataclass(frozen=True)
class Initializer(ABC):
    """A method that says of which source rows each missing token is made; its fields are its settings."""

    needs_vectors: ClassVar[bool] = False
    """Whether static vectors of the target tokens have to be trained for it."""
    matching: ClassVar[Strategy] = "exact"
    """How the overlap that it works on is found."""
    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.SUBWORD, Provenance.NOISE)
    """What becomes of tokens that it has no answer for, in order; the last answers for every token."""
    ignores_untrained: ClassVar[bool] = True
    """Whether rows that were never trained are kept out of mixtures and of the noise."""

    @abstractmethod
    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights over source ids for each missing token; an empty row where the method has no answer."""


def initialize(
    transfer: Transfer, method: Initializer, *, seed: int = 42, progress: Progress = SILENT
) -> Mixture:
    """Compute where each target row comes from.

    Overlapping tokens keep their row. The method answers for the missing ones; where it has no answer the
    next of its fallbacks does. Special tokens without a counterpart are no text: the last fallback is theirs.

    Args:
        transfer: What is known of the two vocabularies.
        method: The initialisation method.
        seed: Seed of the noise.
        progress: Where to show how far it is.

    Returns:
        One row for each target id, gaps included.

    Raises:
        ValueError: If the method returns rows of the wrong shape, or weights that are not finite.
    """
    overlap = transfer.overlap
    is_text = ~np.isin(overlap.missing, [token.id for token in transfer.target.special])
    answers = method.mix(transfer, progress) if len(overlap.missing) else SparseRows.empty(0)
    _check(answers, method, len(overlap.missing), transfer.source.size)
    provenance = np.where((answers.lengths > 0) & is_text, Provenance.METHOD, method.fallback[-1])
    answers = _keep(answers, is_text)
    if Provenance.SUBWORD in method.fallback:
        keep = transfer.trained[transfer.pieces.ids]
        pieces = _keep(SparseRows.uniform(transfer.pieces.indptr, transfer.pieces.ids, keep), is_text)
        falls_back = (answers.lengths == 0) & (pieces.lengths > 0)
        provenance[falls_back] = Provenance.SUBWORD
        both = SparseRows.stack([answers, pieces])
        answers = both.select(np.arange(len(answers)) + np.where(falls_back, len(answers), 0))
    trained = transfer.trained if method.ignores_untrained else np.ones_like(transfer.trained)
    rows, codes = _place(overlap, answers, provenance.astype(np.uint8), transfer.target.size)
    return Mixture(rows, codes, trained, seed)


def _keep(rows: SparseRows, mask: Bool[np.ndarray, " rows"]) -> SparseRows:
    """The same number of rows, emptied where the mask is false."""
    padded = SparseRows.stack([rows, SparseRows.empty(1)])
    return padded.select(np.where(mask, np.arange(len(rows)), len(rows)))


def _place(
    overlap: Overlap, answers: SparseRows, provenance: np.ndarray, n_target: int
) -> tuple[SparseRows, np.ndarray]:
    """Put copied rows and answers at their target ids; ids that are neither stay unused."""
    known = SparseRows.stack([SparseRows.single(overlap.source_ids), answers, SparseRows.empty(1)])
    ids = np.concatenate([overlap.target_ids, overlap.missing])
    position: Int64[np.ndarray, " target"] = np.full(n_target, len(known) - 1, np.int64)
    position[ids] = np.arange(len(ids))
    codes = np.full(n_target, Provenance.UNUSED, np.uint8)
    codes[overlap.target_ids] = Provenance.COPIED
    codes[overlap.missing] = provenance
    return known.select(position), codes


def _check(rows: SparseRows, method: Initializer, n_missing: int, n_source: int) -> None:
    """Refuse what a faulty method returns."""
    name = type(method).__name__
    if len(rows) != n_missing:
        raise ValueError(f"{name}.mix returned {len(rows)} rows for {n_missing} missing tokens")
    if not np.isfinite(rows.weights).all():
        raise ValueError(f"{name}.mix returned weights that are not finite")
    if len(rows.indices) and not 0 <= rows.indices.min() <= rows.indices.max() < n_source:
        raise ValueError(f"{name}.mix returned source ids outside 0 … {n_source - 1}")
