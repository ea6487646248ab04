"""What an initialization method may look at: two vocabularies, their overlap, pieces and vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import SettingError, VectorsError
from monoglot.model.piece_states import PieceReader
from monoglot.model.tables import trained_rows
from monoglot.tokenization.overlap import MatchKind, Overlap, Strategy, match
from monoglot.tokenization.pieces import Pieces, Segmenter, segmenter_of, source_pieces
from monoglot.tokenization.vocabulary import Canonicalization, Vocabulary
from monoglot.vectors.engine import TokenVectors


@dataclass(frozen=True)
class Transfer:
    """All that an initialization method may look at; `Transfer.of` gathers it from two tokenizers.

    Attributes:
        source: The vocabulary whose rows exist.
        target: The vocabulary whose rows are wanted.
        overlap: Which target tokens have a row in the source, and which are missing.
        pieces: For each missing token the source ids that the source tokenizer segments it into.
        trained: Which source rows were trained; others are neither mixed nor averaged.
        vectors: Static vectors of the target tokens, if the method asked for them.
        embeddings: The source table, for methods that look at more than which rows there are.
        segmenters: Segment texts by the source and the target tokenizer, for methods that read texts.
        reader: Reads pieces with the source model, for methods that look at its hidden states.
        seed: Seed of what a method draws.
        device: Where to compute.
    """

    source: Vocabulary
    target: Vocabulary
    overlap: Overlap
    pieces: Pieces
    trained: Bool[np.ndarray, " source"]
    vectors: TokenVectors | None = None
    embeddings: Float[Tensor, "rows dim"] | None = None
    segmenters: tuple[Segmenter, Segmenter] | None = None
    reader: PieceReader | None = None
    seed: int = 42
    device: str = "cpu"

    @classmethod
    def of(
        cls,
        source: PreTrainedTokenizerFast,
        target: PreTrainedTokenizerFast,
        *,
        matching: Strategy = "exact",
        overlap: Overlap | None = None,
        embeddings: Float[Tensor, "rows dim"] | None = None,
        vectors: TokenVectors | None = None,
        vocabularies: tuple[Vocabulary, Vocabulary] | None = None,
        trained: Bool[np.ndarray, " source"] | None = None,
        model: PreTrainedModel | None = None,
        seed: int = 42,
        device: str = "cpu",
    ) -> Self:
        """Gather what a method needs from two tokenizers.

        Args:
            source: Tokenizer of the source model.
            target: The new tokenizer.
            matching: Which tokens count as shared, see `match`; methods name theirs as ``matching``.
            overlap: The overlap, if it is known; by default it is computed.
            embeddings: The source table. Without it, and without ``trained``, every source row counts as
                trained.
            vectors: Static vectors of the target tokens.
            vocabularies: Those of the two tokenizers, in the form of ``matching``, if they are known.
            trained: Which source rows were trained, if that is known; by default it is found by
                ``embeddings``.
            model: The source model, for methods that look at its hidden states.
            seed: Seed of what a method draws.
            device: Where to compute.

        Raises:
            TokenizerError: If a tokenizer is of an unknown kind.
            VectorsError: If there are not as many vectors as target ids.
        """
        form: Canonicalization = "reference" if matching == "reference" else "exact"
        old, new = vocabularies or (
            Vocabulary.of(source, canonicalization=form),
            Vocabulary.of(target, canonicalization=form),
        )
        pairs = match(old, new, strategy=matching) if overlap is None else overlap
        if trained is None:
            trained = np.ones(old.size, bool) if embeddings is None else trained_rows(embeddings, old)
        exact = new if form == "exact" else Vocabulary.of(target)
        return cls(
            old,
            new,
            pairs,
            pieces=source_pieces(source, exact, pairs.missing),
            trained=trained,
            vectors=vectors,
            embeddings=embeddings,
            segmenters=(segmenter_of(source), segmenter_of(target)),
            reader=None if model is None else PieceReader(model, source),
            seed=seed,
            device=device,
        )

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

    def anchors(self, *, with_roles: bool = False, with_untrained: bool = False) -> Overlap:
        """The pairs that may be mixed: trained rows with a usable auxiliary vector.

        Args:
            with_roles: Whether special tokens count, as in the reference.
            with_untrained: Whether rows count that were never trained, as in the reference.

        Raises:
            SettingError: If no vectors were given.
        """
        keep = self.required_vectors.usable[self.overlap.target_ids]
        if not with_untrained:
            keep = keep & self.trained[self.overlap.source_ids]
        if not with_roles:
            keep = keep & (self.overlap.kinds != MatchKind.ROLE)
        return self.overlap.where(keep)

    @cached_property
    def is_special(self) -> Bool[np.ndarray, " source"]:
        """Which source rows are special tokens: no text, and nothing to mix."""
        return np.isin(np.arange(self.source.size), [token.id for token in self.source.special])

    @property
    def required_segmenters(self) -> tuple[Segmenter, Segmenter]:
        """How the two tokenizers segment texts, for a method that can't do without.

        Raises:
            SettingError: If they were not given.
        """
        if self.segmenters is None:
            raise SettingError("this initialization method segments texts, and neither tokenizer was given")
        return self.segmenters

    @property
    def required_embeddings(self) -> Float[Tensor, "rows dim"]:
        """The source table, for a method that can't do without.

        Raises:
            SettingError: If none was given.
        """
        if self.embeddings is None:
            raise SettingError(
                "this initialization method looks at the source embeddings, and none were given"
            )
        return self.embeddings

    @property
    def required_reader(self) -> PieceReader:
        """Reads pieces with the source model, for a method that can't do without.

        Raises:
            SettingError: If the model was not given.
        """
        if self.reader is None:
            raise SettingError(
                "this initialization method reads hidden states of the source model, which was not given: "
                "call Transfer.of(…, model=…)"
            )
        return self.reader

    @property
    def required_vectors(self) -> TokenVectors:
        """The auxiliary vectors, for a method that can't do without.

        Raises:
            SettingError: If no vectors were given.
        """
        if self.vectors is None:
            raise SettingError("this initialization method needs auxiliary vectors, and none were given")
        return self.vectors
