"""Which target tokens exist in the source vocabulary, and which are missing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Int64, UInt8


class MatchKind(IntEnum):
    """Why two tokens were taken to be the same."""

    ROLE = 0
    EXACT = 1
    BYTE = 2
    FUZZY = 3


@dataclass(frozen=True)
class Overlap:
    """Pairs of corresponding tokens, in ascending order of target id, and the target ids that have no partner.

    Attributes:
        source_ids: Source id of each pair; one source token may serve several target tokens.
        target_ids: Target id of each pair, ascending, each at most once.
        kinds: A ``MatchKind`` for each pair.
        missing: Target ids without a partner, ascending.
    """

    source_ids: Int64[np.ndarray, " pairs"]
    target_ids: Int64[np.ndarray, " pairs"]
    kinds: UInt8[np.ndarray, " pairs"]
    missing: Int64[np.ndarray, " missing"]
