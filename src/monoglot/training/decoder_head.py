"""The head of a causal language model as a function of hidden states, found by trying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.training.heads import entering, logits_of
from monoglot.training.trial import trying


@dataclass(frozen=True)
class DecoderHead:
    """What a causal model does with its last hidden states.

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

        with entering(self.module, catch):
            model(**inputs)
        return caught[0]


def find_decoder_head(
    model: PreTrainedModel, vocabulary: Int64[Tensor, " ids"], *, bf16: bool = False
) -> DecoderHead | None:
    """Find the head of a causal model; ``None`` if its logits are computed in a way that is not known.

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
    with trying(model, vocabulary, bf16=bf16) as trial:
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
