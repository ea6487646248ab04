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
    """

    body: nn.Module
    number: int

    @classmethod
    def of(cls, model: PreTrainedModel, depth: float) -> Layer:
        """Give the layer at a depth from 0, the embeddings, to 1, the last layer."""
        body = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
        return cls(body, round(depth * model.config.get_text_config().num_hidden_layers))

    @torch.inference_mode()
    def states(
        self, ids: Int64[Tensor, "texts pieces"], mask: Int64[Tensor, "texts pieces"]
    ) -> Float[Tensor, "texts pieces dim"]:
        """Run texts through the body as far as this layer, in float32.

        Args:
            ids: The texts, padded to the longest.
            mask: One for text and zero for padding.
        """
        inputs = {"input_ids": ids.to(self._device), "attention_mask": mask.to(self._device)}
        layers = self._layers()
        if self.number == 0 or self.number > len(layers):  # layers that share their weights are one module
            states: Tensor = self.body(**inputs, output_hidden_states=True).hidden_states[self.number]
            return states.float()
        caught: list[Tensor] = []

        def stop(_: nn.Module, given: Any, output: Any) -> None:
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
