"""The module that Trainer sees: a model with its objective, and which of its parameters learn when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot._hf import is_sharded, keep_layers_whole, leave_out_when_saved
from monoglot.errors import SettingError
from monoglot.model.tables import storage
from monoglot.training.composition import Composition
from monoglot.training.objective import Task
from monoglot.training.parameters import Adapters, Selection, keep_rows, select, with_adapters
from monoglot.training.schedule import TrainingSettings, check_schedule


@dataclass(frozen=True)
class Learning:
    """Which parameters learn, and from which step.

    Attributes:
        selection: The parameters.
        frozen_steps: Steps before the body joins in.
        adapters: What stands in for the body's matrices, if that is wanted.
    """

    selection: Selection
    frozen_steps: int
    adapters: Adapters | None = None

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        settings: TrainingSettings,
        new_rows: Bool[np.ndarray, " rows"] | None,
        *,
        steps: int,
        seed: int,
    ) -> Self:
        """Prepare a model for its schedule.

        Args:
            model: The model, changed in place.
            settings: Schedule, layers, adapters.
            new_rows: Which rows of the vocabulary's tables are new, if that is known.
            steps: Steps of the run.
            seed: Seed of adapters.

        Raises:
            SettingError: If something does not fit the model.
        """
        selection = select(model, settings)
        schedule = settings.recipe.schedule
        check_schedule(schedule, None if new_rows is None else int(new_rows.sum()))
        if new_rows is not None and schedule in ("new-rows", "keep-copied"):
            keep_rows(model, torch.from_numpy(new_rows))
        frozen = round(settings.frozen_share * steps) if schedule == "embeddings-first" else 0
        if not settings.lora_rank:
            return cls(selection, frozen)
        adapters = with_adapters(model, settings.lora_rank, selection, seed=seed)
        return cls(adapters.selection, frozen, adapters)


def check_sharded(settings: TrainingSettings) -> None:
    """Refuse settings that need the whole model in one process.

    Raises:
        SettingError: If it is asked for.
    """
    schedule = settings.recipe.schedule
    wanted = {
        "--patience": settings.patience is not None,
        f"--schedule {schedule}": schedule in ("new-rows", "keep-copied", "embeddings-first"),
    }
    if is_sharded() and (refused := [name for name, is_wanted in wanted.items() if is_wanted]):
        raise SettingError(f"{refused[0]} can't be used with a sharded model (FSDP): leave it out")


class ObjectiveWrapper(nn.Module):
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
        keep_layers_whole(self, model)
        self.register_state_dict_post_hook(_name_tied_tensors_once)
        every = dict(nn.Module.named_parameters(self, remove_duplicate=False))
        once = dict(nn.Module.named_parameters(self))
        # Names that `state_dict` leaves out, which Trainer would warn of when it loads a checkpoint.
        leave_out_when_saved(self, [name for name in every if name not in once])

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
        """Switch to training mode, without dropout if the task uses none."""
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
    """Have layers recompute activations without dropout.

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
