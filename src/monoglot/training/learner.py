"""A model together with what it is to learn: the module that is wrapped for several processes."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.model.tables import storage
from monoglot.training.composition import Composition
from monoglot.training.objectives.base import Task


class Learner(nn.Module):
    """Computes the loss of a batch in one forward pass.

    Its ``state_dict`` names tied tensors once, as safetensors wants it.

    Attributes:
        model: The model that is trained.
        task: What it learns.
        composition: What new rows learn in common, if they do.
        broken: Whether a loss was not a finite number since it was last set to ``None``.
    """

    broken: Tensor | None = None
    accepts_loss_kwargs = False  # Trainer asks: the loss is the mean of a batch

    def __init__(self, model: PreTrainedModel, task: Task, composition: Composition | None = None) -> None:
        super().__init__()
        self.model, self.task, self.composition = model, task, composition
        # Accelerate's FSDP wraps modules of these classes.
        self._no_split_modules = getattr(model, "_no_split_modules", None)
        self.register_state_dict_post_hook(_name_tied_tensors_once)
        every = dict(nn.Module.named_parameters(self, remove_duplicate=False))
        once = dict(nn.Module.named_parameters(self))
        # Names that `state_dict` leaves out, which Trainer would warn of when it loads a checkpoint.
        self._keys_to_ignore_on_save = [name for name in every if name not in once]

    @property
    def config(self) -> Any:
        """The model's configuration, which Trainer looks at."""
        return self.model.config

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    def activation_checkpointing_enable(self, **options: Any) -> None:
        """Trade time for memory, when Trainer asks for it."""
        name = "activation_checkpointing_enable"
        known = hasattr(self.model, name)
        getattr(self.model, name if known else "gradient_checkpointing_enable")(**options)

    gradient_checkpointing_enable = activation_checkpointing_enable
    """The name by which older versions of transformers ask."""

    def train(self, mode: bool = True) -> Self:
        """Switch to training; without dropout if the task wants none."""
        super().train(mode)
        self.model.train(mode and self.task.uses_dropout)
        if mode and not self.task.uses_dropout:
            _let_layers_recompute(self.model)
        return self

    def tie_weights(self) -> None:
        """Tied tensors are one and the same, so that loading one has loaded all; Trainer asks."""

    def forward(self, **batch: Tensor) -> dict[str, Tensor]:
        """The loss, by the name that Trainer looks for."""
        loss = self.task.loss(self.model, batch)
        # Read once a step: a loss that is no number may well have gradients that are zero.
        broken = ~torch.isfinite(loss.detach())
        self.broken = broken if self.broken is None else self.broken | broken
        return {"loss": loss}


def _let_layers_recompute(model: nn.Module) -> None:
    """Put layers that compute their activations twice into training, as they ask for, but without dropout.

    In evaluation transformers' layers keep their activations, whatever they were told. What is inside of them
    stays in evaluation; shares of dropout that a layer applies by itself are set to zero.
    """
    for module in model.modules():
        if getattr(module, "gradient_checkpointing", False):
            module.training = True
            for name, value in list(vars(module).items()):
                if "drop" in name and isinstance(value, float):
                    setattr(module, name, 0.0)


def _name_tied_tensors_once(module: nn.Module, state: dict[str, Tensor], *_: object) -> None:
    """Keep the first name of each tensor only."""
    seen: set[object] = set()
    for name, tensor in list(state.items()):
        key = storage(tensor)
        if key in seen:
            del state[name]
        seen.add(key)
