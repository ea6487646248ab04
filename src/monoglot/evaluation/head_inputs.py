"""What a new head is given: hidden states seen from their middle, in units of their deviation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

LEAST_DEVIATION = 0.1
"""Of the size of the states: were less than that made one, each step of the body would turn answers over."""


@torch.no_grad()
def standardize_inputs(model: PreTrainedModel, new: frozenset[str], batch: Mapping[str, Tensor]) -> None:
    """Let a new head take ``(x - mean) / deviation`` for each hidden state ``x`` of the body under it.

    The states of a contrastively trained encoder lie in a narrow cone: what they have in common is many times
    what tells them apart. A head that begins with noise sees the common part alone, and learns for hundreds
    of steps to take it off. Mean (a vector) and deviation (a number) are those of one batch, and stay.

    Args:
        model: A model under a new head; a hook is added to the first layer of the head.
        new: Names of the parameters that are new.
        batch: Inputs as the model takes them, of different texts.

    Reference: what a common direction of all vectors does to similarities, Ethayarajh 2019 (arXiv 1909.00512)
    and Mu & Viswanath 2018 (arXiv 1702.01417), who take it off.
    """
    layers = [
        module
        for name, module in model.named_modules()
        if f"{name}.weight" in new and isinstance(module, nn.Linear)
    ]
    seen: list[tuple[nn.Module, Tensor]] = []

    def look(module: nn.Module, given: tuple[Any, ...]) -> None:
        seen.append((module, given[0].detach().float()))

    hooks = [module.register_forward_pre_hook(look) for module in layers]
    was_training = model.training
    model.eval()(**{name: values.to(model.device) for name, values in batch.items()})
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    if not seen:
        return
    layer, states = seen[0]
    mask = batch["attention_mask"].to(states.device).bool()
    # A head for words is given the states of padding as well, one for texts a single state of each.
    rows = states[mask] if states.shape[:-1] == mask.shape else states.flatten(0, -2)
    mean = rows.mean(dim=0)
    size = float(rows.square().mean().sqrt())
    deviation = max(float((rows - mean).square().mean().sqrt()), LEAST_DEVIATION * size, 1e-6)

    def standardize(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        return ((given[0].float() - mean.to(given[0].device)) / deviation, *given[1:])

    layer.register_forward_pre_hook(standardize)
