"""Blend: the rows of two methods averaged, or chosen by how often the text has a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from monoglot.initialization.initialize import Initializer
from monoglot.initialization.option_rules import check_part_of_blend
from monoglot.initialization.registry import get_method, register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.sparse import SparseRows
from monoglot.options import CountOrZero, Share
from monoglot.progress import SILENT, Progress


@register("blend")
@dataclass(frozen=True)
class Blend(Initializer):
    """``w = (1 - s) w_first + s w_second``: by default half FOCUS, half the source's pieces by length.

    The two err in different ways: FOCUS finds whole tokens of like use and form, the pieces are what the
    source model has read in place of the token. Their average is nearer to the source than either (see
    docs/methods.md for the measurements that the default share comes from). Where one method has no answer,
    the other's is taken alone.

    Attributes:
        first: Name of the one method.
        second: Name of the other.
        second_share: Weight of the second, from 0 to 1.
        evidence: Positive to choose instead of averaging: tokens that occur at least so often in the text
            that the vectors were made from are the first method's, the others the second's.
        first_options: Settings of the first method, by the names of its fields.
        second_options: Settings of the second.
    """

    needs_vectors: ClassVar[bool] = True
    first: str = "focus"
    second: str = "subword"
    second_share: Share = 0.5
    evidence: CountOrZero = 0
    first_options: dict[str, Any] = field(default_factory=dict)
    second_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers out of range, and methods that compare vocabularies in another way.

        Raises:
            SettingError: If the share is outside 0 … 1, the evidence negative, or a method can't be part of a
                blend.
        """
        super().__post_init__()
        for name in (self.first, self.second):
            check_part_of_blend(name)  # before a blend is made of blends
        for name, part in zip((self.first, self.second), self.parts, strict=True):
            mixes_only = not part.reads_model and type(part).correction is Initializer.correction
            check_part_of_blend(name, is_alike=part.matching == self.matching, mixes_only=mixes_only)

    @property
    def parts(self) -> tuple[Initializer, Initializer]:
        """The two methods."""
        return get_method(self.first, self.first_options), get_method(self.second, self.second_options)

    @property
    def files(self) -> Mapping[str, str]:
        """The files of both methods."""
        named = zip((self.first, self.second), self.parts, strict=True)
        return {f"{name}'s {what}": path for name, part in named for what, path in part.files.items()}

    def check(self) -> None:
        """Refuse what either method would.

        Raises:
            InputError: If a file is not there, or is not what it should be.
        """
        for part in self.parts:
            part.check()

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """The weighted mean of both methods' answers for each missing token, or one of them."""
        first, second = (part.mix(transfer, progress) for part in self.parts)
        share = np.full(len(first), self.second_share)
        if self.evidence:
            share = (transfer.required_vectors.counts[transfer.overlap.missing] < self.evidence).astype(float)
        share = np.where(first.lengths == 0, 1.0, np.where(second.lengths == 0, 0.0, share))
        return SparseRows.total(
            [first.kept(share < 1).scaled(1 - share), second.kept(share > 0).scaled(share)]
        )
