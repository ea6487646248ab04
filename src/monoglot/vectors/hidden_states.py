"""What one layer of a model makes of some texts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from tokenizers import Encoding
from torch import Tensor, nn
from transformers import PreTrainedModel


class _LayerDone(Exception):
    """Leaves a model after the layer that was wanted."""


@dataclass(frozen=True)
class Layer:
    """One layer of a model's body: its encoder, if it has one, else its decoder.

    Attributes:
        body: The body.
        number: Which layer, counted from 1; 0 are the embeddings that enter the first.
    """

    body: nn.Module
    number: int

    @classmethod
    def of(cls, model: PreTrainedModel, depth: float) -> Layer:
        """The layer at a depth from 0, the embeddings, to 1, the last layer."""
        body = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
        return cls(body, round(depth * model.config.get_text_config().num_hidden_layers))

    @torch.inference_mode()
    def states(self, encodings: Sequence[Encoding], pad_id: int) -> Float[Tensor, "texts pieces dim"]:
        """Run texts through the body, as far as this layer; texts are padded to the longest."""
        longest = max(map(len, encodings))
        ids = torch.full((len(encodings), longest), pad_id)
        mask = torch.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = torch.tensor(encoding.ids)
            mask[row, : len(encoding)] = 1
        inputs = {"input_ids": ids.to(self._device), "attention_mask": mask.to(self._device)}
        layers = self._layers()
        if self.number == 0 or self.number > len(
            layers
        ):  # layers that share their weights can't be told apart
            states: Tensor = self.body(**inputs, output_hidden_states=True).hidden_states[self.number]
            return states.float()
        caught: list[Tensor] = []

        def stop(layer: nn.Module, given: Any, output: Any) -> None:
            caught.append(output[0] if isinstance(output, tuple) else output)
            raise _LayerDone

        handle = layers[self.number - 1].register_forward_hook(stop)
        try:
            with suppress(_LayerDone):
                self.body(**inputs)
        finally:
            handle.remove()
        return caught[0].float()

    @property
    def _device(self) -> torch.device:
        return next(self.body.parameters()).device

    def _layers(self) -> Sequence[nn.Module]:
        lists = [list(module) for module in self.body.modules() if isinstance(module, nn.ModuleList)]
        return max(lists, key=len, default=[])
