"""Static vectors of target tokens: the auxiliary space in which neighbours are looked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64


@dataclass(frozen=True)
class TokenVectors:
    """One static vector for each target id.

    Attributes:
        matrix: The vectors; rows of tokens that have none are zero.
        usable: Whether a token has a vector that may be compared with others.
        counts: How often each token occurs in the training text.
    """

    matrix: Float32[np.ndarray, "target dim"]
    usable: Bool[np.ndarray, " target"]
    counts: Int64[np.ndarray, " target"]
