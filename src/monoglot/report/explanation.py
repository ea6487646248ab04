"""What single tokens are made of and what lies near them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from monoglot.maths.similarity import unit_rows
from monoglot.report.space import BLOCK_ROWS


@dataclass(frozen=True)
class Parent:
    """A source token that a row is made of.

    Attributes:
        token: How it is spelled; its number if the source tokenizer is not at hand.
        weight: Its share.
        cosine: Of its embedding and the row's; ``None`` without the source model.
        auxiliary_cosine: Of the auxiliary vectors of both; ``None`` where one has none.
    """

    token: str
    weight: float
    cosine: float | None
    auxiliary_cosine: float | None


@dataclass(frozen=True)
class Neighbor:
    """A token near another.

    Attributes:
        token: How it is spelled.
        cosine: How near.
    """

    token: str
    cosine: float


@dataclass(frozen=True)
class TokenExplanation:
    """What is known of one target token.

    Attributes:
        token: How it is spelled.
        id: Its row.
        provenance: Where the row comes from, for people.
        count: How often the corpus has it.
        parents: What its row was made of before any training, the heaviest first.
        near_new: The nearest tokens in the output's embeddings.
        near_old: The source tokens whose embeddings are nearest to the row; ``None`` without the source.
        near_auxiliary: The nearest tokens in the auxiliary space; ``None`` if it is not kept, or the token
            has no vector.
    """

    token: str
    id: int
    provenance: str
    count: int
    parents: tuple[Parent, ...]
    near_new: tuple[Neighbor, ...]
    near_old: tuple[Neighbor, ...] | None
    near_auxiliary: tuple[Neighbor, ...] | None


@dataclass(frozen=True)
class WordExplanation:
    """How a word, or a longer text, is cut.

    Attributes:
        text: The word.
        before: Its pieces by the source tokenizer; ``None`` if that is not at hand.
        after: Its pieces by the target tokenizer.
        unknown: Whether the target tokenizer can't spell all of it.
    """

    text: str
    before: tuple[str, ...] | None
    after: tuple[str, ...]
    unknown: bool


@dataclass(frozen=True)
class Explanation:
    """The answer to `explain`.

    Attributes:
        words: The words asked for; not those that were given as a single token.
        tokens: The tokens asked for and those of the words, each once.
        notes: What can't be told, and why.
    """

    words: tuple[WordExplanation, ...]
    tokens: tuple[TokenExplanation, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@torch.inference_mode()
def nearest_rows(
    query: Float[Tensor, " dim"],
    table: Float[Tensor, "rows dim"],
    allowed: Bool[np.ndarray, " rows"],
    most: int,
) -> list[tuple[int, float]]:
    """Find the rows of a table with the largest cosine to a vector.

    Args:
        query: The vector.
        table: The rows; as many as ``allowed`` has entries are looked at.
        allowed: Which rows count.
        most: How many to find.

    Returns:
        Row numbers and cosines, the largest first.
    """
    direction = unit_rows(query.float()[None])[0]
    cosines = torch.cat(
        [
            unit_rows(table[start : min(start + BLOCK_ROWS, len(allowed))].float()) @ direction
            for start in range(0, len(allowed), BLOCK_ROWS)
        ]
    )
    cosines[torch.from_numpy(~allowed)] = -torch.inf
    found = torch.topk(cosines, min(most, int(allowed.sum())))
    return [(int(row), float(cosine)) for cosine, row in zip(*found, strict=True)]


@torch.inference_mode()
def cosines_to(
    query: Float[Tensor, " dim"], table: Float[Tensor, "rows dim"], ids: Int64[np.ndarray, " ids"]
) -> list[float]:
    """The cosine of a vector and each of some rows."""
    rows = unit_rows(table[torch.from_numpy(ids)].float())
    cosines: list[float] = (rows @ unit_rows(query.float()[None])[0]).tolist()
    return cosines
