"""Logits only where they are needed: heads found by trial, and cross-entropy in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from monoglot.model.hidden_states import changed_input, recorded_inputs
from monoglot.training.isolation import REFUSALS, trial_runs


class GatheredHead:
    """Runs a model so that its head sees the hidden states of some positions only.

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
        with changed_input(self.entry, lambda hidden: gather(hidden, chosen)):
            return logits_of(model(**inputs))


@dataclass(frozen=True)
class DecoderHead:
    """The head of a causal model as a function of its last hidden states.

    Attributes:
        module: The output embeddings.
        softcap: Bound of the logits (Gemma 2), or none.
        scale: What logits are multiplied with (Cohere, Granite).
    """

    module: nn.Module
    softcap: float | None = None
    scale: float = 1.0

    def logits(
        self, hidden: Float[Tensor, "windows tokens dim"]
    ) -> Float[Tensor, "windows tokens vocabulary"]:
        """Logits as the model's own class computes them."""
        logits: Tensor = self.module(hidden)
        if self.scale != 1.0:
            logits = logits * self.scale
        return logits if self.softcap is None else torch.tanh(logits / self.softcap) * self.softcap

    def hidden(
        self, model: PreTrainedModel, inputs: Mapping[str, Any]
    ) -> Float[Tensor, "windows tokens dim"]:
        """What enters the head, which is given a single token of each window to finish the call."""
        caught: list[Tensor] = []

        def catch(hidden: Tensor) -> Tensor:
            caught.append(hidden)
            return hidden[:, :1]

        with changed_input(self.module, catch):
            model(**inputs)
        return caught[0]


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
    with trial_runs(model, vocabulary, bf16=bf16) as trial:
        ids = trial.ids[None, :8]
        chosen = torch.tensor([[1, 4, 6]], device=ids.device)
        beside = [module for name, module in model.named_children() if name != model.base_model_prefix]
        with recorded_inputs(beside) as calls:
            full = logits_of(model(input_ids=ids))
        if not calls:
            return GatheredHead(None)
        head = GatheredHead(calls[0][0])
        try:
            found = head(model, {"input_ids": ids}, chosen)
        except torch.OutOfMemoryError:
            raise
        except REFUSALS:  # whatever a head raises when it gets fewer places than it counts on
            return GatheredHead(None)
        return head if trial.same(found, gather(full, chosen)) else GatheredHead(None)


def logits_of(output: Any) -> Tensor:
    """Give the logits of a language model's output, whatever their name."""
    logits = output.logits if hasattr(output, "logits") else output.prediction_logits
    result: Tensor = logits
    return result


def gather(
    values: Float[Tensor, "windows tokens dim"], chosen: Int64[Tensor, "windows chosen"]
) -> Float[Tensor, "windows chosen dim"]:
    """Give the vectors at some positions of each window."""
    return values.gather(1, chosen[:, :, None].expand(-1, -1, values.shape[-1]))


def find_decoder_head(
    model: PreTrainedModel, vocabulary: Int64[Tensor, " ids"], *, bf16: bool = False
) -> DecoderHead | None:
    """Find the head of a causal model; ``None`` if it computes logits in an unknown way.

    Args:
        model: A causal language model; it is not changed.
        vocabulary: Ordinary token ids to make an input of.
        bf16: Whether the model is to be trained with matrix products in bf16.

    Raises:
        SettingError: If the model can't be run.
    """
    module = model.get_output_embeddings()
    if not isinstance(module, nn.Module):
        return None
    with trial_runs(model, vocabulary, bf16=bf16) as trial:
        inputs = {"input_ids": trial.ids[None]}
        expected = logits_of(model(**inputs))
        heads = list(_candidates(model, module))
        found = [head.logits(head.hidden(model, inputs)) for head in heads]
        best = min(range(len(heads)), key=lambda i: trial.distance(found[i], expected))
        return heads[best] if trial.same(found[best], expected) else None


def _candidates(model: PreTrainedModel, module: nn.Module) -> Iterator[DecoderHead]:
    """Plain logits, and the ways in which some families change them."""
    config = model.config.get_text_config()
    yield DecoderHead(module)
    if cap := getattr(config, "final_logit_softcapping", None):
        yield DecoderHead(module, softcap=cap)
    if scale := getattr(config, "logit_scale", None):
        yield DecoderHead(module, scale=scale)
    if divisor := getattr(config, "logits_scaling", None):
        yield DecoderHead(module, scale=1 / divisor)


Logits = Callable[[Tensor], Tensor]
IGNORED = -100
CHUNK_LOGITS = 1 << 26
"""Logits that exist at one time: 256 MB of them in float32."""


def token_losses(
    hidden: Float[Tensor, "windows tokens dim"],
    targets: Int64[Tensor, "windows tokens"],
    logits: Logits,
    vocabulary: int,
) -> Float[Tensor, "windows tokens"]:
    """Compute the cross-entropy of every token, in chunks; 0 where there is no target.

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


def window_mean(
    losses: Float[Tensor, "windows tokens"], targets: Int64[Tensor, "windows tokens"]
) -> Float[Tensor, ""]:
    """Compute the mean over windows of the mean over the targets of each.

    So every window weighs alike, however a batch is spread over steps and processes.
    """
    counts = (targets != IGNORED).sum(dim=1).clamp(min=1)
    return (losses.sum(dim=1) / counts).mean()
