"""Blend: two methods' rows averaged, and one alone where the other has no answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monoglot.errors import SettingError
from monoglot.initialization.base import Initializer
from monoglot.initialization.registry import get_method, register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress


@register("blend")
@dataclass(frozen=True)
class Blend(Initializer):
    """``w = (1 - s) w_first + s w_second``: by default seven parts FOCUS to three parts subword mean.

    The two err in different ways: FOCUS finds whole tokens of like use and form, the pieces are what the
    source model has read in place of the token. Their average is nearer to the source than either (see
    docs/methods.md for the measurements that the default share comes from).

    Attributes:
        first: Name of the one method.
        second: Name of the other.
        second_share: Weight of the second, from 0 to 1.
    """

    needs_vectors: ClassVar[bool] = True
    first: str = "focus"
    second: str = "subword"
    second_share: float = 0.3

    def __post_init__(self) -> None:
        """Refuse a share that is none, and methods that compare vocabularies in another way.

        Raises:
            SettingError: If the share is outside 0 … 1, or a method can't be part of a blend.
        """
        if not 0 <= self.second_share <= 1:
            raise SettingError(f"the blend's second-share is {self.second_share}: give a number from 0 to 1")
        for name in (self.first, self.second):
            if name == "blend" or get_method(name).matching != self.matching:
                raise SettingError(
                    f"'{name}' can't be part of a blend: give two other methods, such as focus and subword"
                )

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """The weighted mean of both methods' answers for each missing token."""
        first = get_method(self.first).mix(transfer, progress)
        second = get_method(self.second).mix(transfer, progress)
        share = np.where(first.lengths == 0, 1.0, np.where(second.lengths == 0, 0.0, self.second_share))
        return SparseRows.total([first.scaled(1 - share), second.scaled(share)])
