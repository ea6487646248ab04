"""Sentence vectors of packed texts."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from monoglot.model.pooling import Pooling
from monoglot.training.windows import PADDING


def pool(
    hidden: Float[Tensor, "windows tokens dim"],
    pieces: Int64[Tensor, "windows tokens"],
    positions: Int64[Tensor, "windows tokens"],
    pooling: Pooling,
    *,
    count: int,
) -> Float[Tensor, "pieces dim"]:
    """Compute the vector of each piece of some windows, scaled to length one, in float32.

    Args:
        hidden: Last hidden states.
        pieces: Which piece each token belongs to, see `Windows`.
        positions: Place of each token in its piece.
        pooling: What a vector is made of.
        count: How many pieces there are.
    """
    counted = pieces != PADDING
    if pooling is Pooling.CLS:
        counted &= positions == 0
    elif pooling is Pooling.LAST_TOKEN:
        following = torch.nn.functional.pad(pieces[:, 1:], (0, 1), value=PADDING)
        counted &= pieces != following
    owner, states = pieces[counted], hidden[counted].float()
    # The mean and the sum point the same way.
    sums = torch.zeros(count, hidden.shape[-1], dtype=torch.float32, device=hidden.device)
    return normalize(sums.index_add(0, owner, states), dim=-1)
