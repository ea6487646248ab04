"""Hidden states of a model: read, intercepted on their way, or changed.

All uses of torch's forward hooks are here. Which module the states pass through is the caller's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.errors import ModelError


def last_hidden_states(model: PreTrainedModel, inputs: Mapping[str, Any]) -> Float[Tensor, "rows tokens dim"]:
    """Run the body of a model, whatever head it has, and give its last hidden states."""
    body: Any = model.base_model
    states: Tensor = body(**inputs).last_hidden_state
    return states


def change_input(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Any:
    """Change the first argument of every later call of a module.

    Returns:
        torch's handle; its ``remove()`` ends the change.
    """
    return module.register_forward_pre_hook(lambda _, given: (change(given[0]), *given[1:]))


def change_output(module: nn.Module, change: Callable[[Tensor, Tensor], Tensor]) -> Any:
    """Change the output of every later call of a module.

    Args:
        module: The module.
        change: Gives the new output from the first argument and the output.

    Returns:
        torch's handle; its ``remove()`` ends the change.
    """
    return module.register_forward_hook(lambda _, given, output: change(given[0], output))


@contextmanager
def changed_input(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Change the first argument of a module in the calls that the ``with`` block makes."""
    handle = change_input(module, change)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def recorded_inputs(modules: Iterable[nn.Module]) -> Iterator[list[tuple[nn.Module, Tensor]]]:
    """Record the first argument of each call of some modules within the ``with`` block, in order."""
    calls: list[tuple[nn.Module, Tensor]] = []

    def record(module: nn.Module, given: tuple[Any, ...]) -> None:
        calls.append((module, given[0]))

    handles = [module.register_forward_pre_hook(record) for module in modules]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


class _LayerDone(Exception):
    """Leaves a model after the layer that was wanted."""


@dataclass(frozen=True)
class Layer:
    """One layer of a model's body: its encoder, if it has one, else its decoder.

    Attributes:
        body: The body.
        number: Which layer, counted from 1; 0 are the embeddings that enter the first.
        count: How many there are.
    """

    body: nn.Module
    number: int
    count: int

    @classmethod
    def of(cls, model: PreTrainedModel, depth: float) -> Layer:
        """Give the layer at a depth from 0, the embeddings, to 1, the last layer."""
        body = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
        count = model.config.get_text_config().num_hidden_layers
        return cls(body, round(depth * count), count)

    @torch.inference_mode()
    def states(
        self, ids: Int64[Tensor, "texts pieces"], mask: Int64[Tensor, "texts pieces"]
    ) -> Float[Tensor, "texts pieces dim"]:
        """Run texts through the body as far as this layer; the states as float32.

        Args:
            ids: The texts, padded to the longest.
            mask: One for text and zero for padding.

        Raises:
            ModelError: If the layer has no state for each token, as where a model pools between its layers.
        """
        inputs = {"input_ids": ids.to(self._device), "attention_mask": mask.to(self._device)}
        layers = self._layers()
        states = self._stopped(inputs, layers[self.number - 1]) if self.number and layers else None
        if states is None or states.shape[:2] != ids.shape:
            states = self.body(**inputs, output_hidden_states=True).hidden_states[self.number]
        if states.shape[:2] != ids.shape:
            raise ModelError(
                f"layer {self.number} of {type(self.body).__name__} gives states of shape "
                f"{tuple(states.shape)} for texts of {tuple(ids.shape)} tokens; expected one for each token"
            )
        return states.float()

    def _stopped(self, inputs: Mapping[str, Tensor], layer: nn.Module) -> Tensor | None:
        """Run the body until a layer is done; what that gives."""
        caught: list[Tensor] = []

        def stop(_: nn.Module, given: Any, output: Any) -> None:
            caught.append(output[0] if isinstance(output, tuple) else output)
            raise _LayerDone

        handle = layer.register_forward_hook(stop)
        try:
            with suppress(_LayerDone):
                self.body(**inputs)
        finally:
            handle.remove()
        return caught[0] if caught else None

    @property
    def _device(self) -> torch.device:
        return next(self.body.parameters()).device

    def _layers(self) -> Sequence[nn.Module]:
        """The layers, if exactly one list of modules has as many as there are layers; else none.

        Some models list the parts of their layers, or share the weights of all, or read images as well.
        """
        lists = [list(module) for module in self.body.modules() if isinstance(module, nn.ModuleList)]
        found = [layers for layers in lists if len(layers) == self.count]
        return found[0] if len(found) == 1 else []
