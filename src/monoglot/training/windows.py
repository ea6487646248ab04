"""Windows of packed documents: what the data hands to an objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from jaxtyping import Bool, Int64

PADDING = -1


@dataclass(frozen=True)
class Windows:
    """Some windows of equal length, each with several documents or pieces of documents.

    Attributes:
        numbers: The sample number of each window, unique in a run: what its randomness is drawn from.
        ids: Token ids, special tokens included.
        pieces: Which of its pieces a token belongs to, counted from 0 through *all* these windows; -1 where
            nothing was left to put in.
        positions: The place of each token in its piece, from 0.
        is_text: Whether a token is one of the corpus, and no special token or padding.
        documents: The line of the corpus that each piece is from.
        starts: The token of that line with which each piece begins: 0 unless the line was cut.
    """

    numbers: Int64[np.ndarray, " windows"]
    ids: Int64[np.ndarray, "windows tokens"]
    pieces: Int64[np.ndarray, "windows tokens"]
    positions: Int64[np.ndarray, "windows tokens"]
    is_text: Bool[np.ndarray, "windows tokens"]
    documents: Int64[np.ndarray, " pieces"]
    starts: Int64[np.ndarray, " pieces"]

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Put windows of the same length together."""
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)
        }
        before = np.cumsum([0, *(len(part.documents) for part in parts)])[:-1]
        shift = np.repeat(before, [len(part.ids) for part in parts])[:, None]
        pieces = columns["pieces"]
        columns["pieces"] = np.where(pieces == PADDING, PADDING, pieces + shift)
        return cls(**columns)

    @property
    def fill(self) -> float:
        """The share of places that hold a token of a document."""
        return float((self.pieces != PADDING).mean())
