"""Logits only where they are needed: what a head computes from some hidden states, found by trying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.training.trial import REFUSALS, trying


class GatheredHead:
    """Runs a model so that its head sees the hidden states of some places only.

    Attributes:
        entry: The module through which hidden states enter the head; ``None`` if it is not known, and then
            the logits of all places are computed and most of them thrown away.
    """

    def __init__(self, entry: nn.Module | None) -> None:
        self.entry = entry

    def __call__(
        self, model: PreTrainedModel, inputs: Mapping[str, Any], chosen: Int64[Tensor, "windows chosen"]
    ) -> Float[Tensor, "windows chosen vocabulary"]:
        """Logits at the chosen places of each window."""
        if self.entry is None:
            return gather(logits_of(model(**inputs)), chosen)
        with entering(self.entry, lambda hidden: gather(hidden, chosen)):
            return logits_of(model(**inputs))


def find_head(
    model: PreTrainedModel, vocabulary: Int64[Tensor, " ids"], *, bf16: bool = False
) -> GatheredHead:
    """Find where hidden states enter the head of a model.

    Of the modules beside the body, the one that is called first with the body's output is tried: given
    some places only, it must give the logits of these places.

    Args:
        model: A model with a language-model head; it is not changed.
        vocabulary: Ordinary token ids to make an input of, at least eight.
        bf16: Whether the model is to be trained with matrix products in bf16.

    Raises:
        SettingError: If the model can't be run.
    """
    with trying(model, vocabulary, bf16=bf16) as trial:
        ids = trial.ids[None, :8]
        chosen = torch.tensor([[1, 4, 6]], device=ids.device)
        called: list[nn.Module] = []
        beside = [module for name, module in model.named_children() if name != model.base_model_prefix]
        hooks = [module.register_forward_pre_hook(lambda m, _: called.append(m)) for module in beside]
        try:
            full = logits_of(model(input_ids=ids))
        finally:
            for hook in hooks:
                hook.remove()
        if not called:
            return GatheredHead(None)
        head = GatheredHead(called[0])
        try:
            found = head(model, {"input_ids": ids}, chosen)
        except torch.OutOfMemoryError:
            raise
        except REFUSALS:  # whatever a head raises when it gets fewer places than it counts on
            return GatheredHead(None)
        return head if trial.same(found, gather(full, chosen)) else GatheredHead(None)


@contextmanager
def entering(module: nn.Module, change: Any) -> Iterator[None]:
    """Change the first argument of a module in the calls that the ``with`` block makes."""
    hook = module.register_forward_pre_hook(lambda _, args: (change(args[0]), *args[1:]))
    try:
        yield
    finally:
        hook.remove()


def gather(
    values: Float[Tensor, "windows tokens dim"], chosen: Int64[Tensor, "windows chosen"]
) -> Float[Tensor, "windows chosen dim"]:
    """The vectors at some places of each window."""
    return values.gather(1, chosen[:, :, None].expand(-1, -1, values.shape[-1]))


def logits_of(output: Any) -> Tensor:
    """The logits of a language model's output, whatever its class calls them."""
    logits = output.logits if hasattr(output, "logits") else output.prediction_logits
    result: Tensor = logits
    return result
