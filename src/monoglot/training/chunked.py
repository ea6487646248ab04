"""Cross-entropy over a vocabulary without ever holding the logits of all tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

IGNORED = -100
CHUNK_LOGITS = 1 << 26
"""Logits that exist at one time: 256 MB of them in float32."""

Logits = Callable[[Tensor], Tensor]


def window_mean(
    losses: Float[Tensor, "windows tokens"], targets: Int64[Tensor, "windows tokens"]
) -> Float[Tensor, ""]:
    """The mean over windows of the mean over the tokens of each that have a target.

    So every window weighs alike, however a batch is spread over steps and processes.
    """
    counts = (targets != IGNORED).sum(dim=1).clamp(min=1)
    return (losses.sum(dim=1) / counts).mean()


def token_losses(
    hidden: Float[Tensor, "windows tokens dim"],
    targets: Int64[Tensor, "windows tokens"],
    logits: Logits,
    vocabulary: int,
) -> Float[Tensor, "windows tokens"]:
    """Cross-entropy of every token, some tokens at a time; 0 where there is no target.

    Where they are too many for one time, logits are computed once more in the backward pass, which costs a
    third of the head and no memory.

    Args:
        hidden: What enters the head.
        targets: The ids to predict; -100 for none.
        logits: The head.
        vocabulary: How many logits it gives.
    """
    wanted = (targets != IGNORED).flatten()
    states, ids = hidden.flatten(0, 1)[wanted], targets.flatten()[wanted]
    rows = max(1, CHUNK_LOGITS // vocabulary)

    def chunk(states: Tensor, ids: Tensor) -> Tensor:
        return cross_entropy(logits(states[None])[0].float(), ids, reduction="none")

    if len(ids) <= rows:
        found = chunk(states, ids)
    else:
        parts = zip(states.split(rows), ids.split(rows), strict=True)
        found = torch.cat([checkpoint(chunk, *part, use_reentrant=False) for part in parts])
    losses = torch.zeros(wanted.shape, device=hidden.device, dtype=found.dtype)
    return losses.masked_scatter(wanted, found).view(targets.shape)
