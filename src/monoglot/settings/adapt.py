"""What a training learns; `monoglot.training.schedule` has the settings of the training itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monoglot.options import (
    TrainingOption,
)
from monoglot.settings.run import RunSettings


@dataclass(frozen=True)
class AdaptSettings(RunSettings):
    """Settings of `adapt`; `TrainingSettings` has those of the training itself.

    Attributes:
        objective: What to learn: ``mlm``, ``clm``, ``distill`` …; by default what the model was made for.
        objective_options: Settings of the objective, by the names of its fields.
        teacher: Folder or hub name of a model to match, for objectives that need one.
        attention: Implementation of attention, such as ``flash_attention_2``; by default that of
            transformers.
    """

    objective: TrainingOption[str | None] = None
    objective_options: TrainingOption[dict[str, Any]] = field(default_factory=dict)
    teacher: TrainingOption[str | None] = None
    attention: TrainingOption[str | None] = None
