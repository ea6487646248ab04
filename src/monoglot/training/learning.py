"""What of a model learns in a run, and from when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from accelerate.utils import parse_flag_from_env
from jaxtyping import Bool
from transformers import PreTrainedModel

from monoglot.errors import SettingError
from monoglot.training.adapters import Adapters, with_adapters
from monoglot.training.parameters import Selection, keep_rows, select
from monoglot.training.settings import TrainingSettings


@dataclass(frozen=True)
class Learning:
    """What learns, and from when.

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
        """Make a model ready for its schedule.

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
        if schedule in ("new-rows", "keep-copied"):
            if new_rows is None or (schedule == "new-rows" and not new_rows.any()):
                raise SettingError(
                    f"--schedule {schedule} needs a model with rows that were not copied: one that "
                    "`specialize` made"
                )
            keep_rows(model, torch.from_numpy(new_rows))
        frozen = round(settings.frozen_share * steps) if schedule == "embeddings-first" else 0
        if not settings.lora_rank:
            return cls(selection, frozen)
        adapters = with_adapters(model, settings.lora_rank, selection, seed=seed)
        return cls(adapters.selection, frozen, adapters)


def is_sharded() -> bool:
    """Whether `accelerate launch` was told to shard the model (FSDP)."""
    return bool(parse_flag_from_env("ACCELERATE_USE_FSDP"))


def check_sharded(settings: TrainingSettings) -> None:
    """Refuse what can't be done with a model that no process has as a whole.

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
