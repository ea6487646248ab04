"""Training as the last stage of `specialize`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

from monoglot.errors import SettingError
from monoglot.model.source import Source
from monoglot.options import build
from monoglot.pipeline.stages.context import RunContext
from monoglot.pipeline.training_job import adapted, resolved
from monoglot.run import Artifact
from monoglot.settings import AdaptSettings, Settings
from monoglot.training.schedule import TrainingSettings


@dataclass(frozen=True)
class AdaptPlan:
    """What `specialize` does after the transplant.

    Attributes:
        settings: What to learn; the source model is there to be matched.
        training: How to train.
    """

    settings: AdaptSettings
    training: TrainingSettings

    @classmethod
    def of(cls, settings: Settings, source: Source) -> Self:
        """Plan it, before any long work.

        Raises:
            SettingError: If an option is unknown or does not fit the model, or there are several processes.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise SettingError(
                "specialize works in one process: leave out --adapt-tokens, and launch `monoglot adapt` on "
                "its output in several"
            )
        options = {name.replace("-", "_"): value for name, value in settings.adapt_options.items()}
        own_names = ("objective", "objective_options", "attention")
        own = {name: options.pop(name) for name in own_names if name in options}
        names = ("column", "heldout", "seed", "threads", "trust_remote_code")
        shared = {name: getattr(settings, name) for name in names}
        adapt = AdaptSettings(**own, **shared, teacher=str(source.folder))
        training = build(TrainingSettings, options | {"tokens": settings.adapt_tokens}, "--adapt-options")
        return cls(*resolved(source.folder, adapt, training, copies_known=True))

    def run(self, context: RunContext, model: Artifact) -> Artifact:
        """Train the model of an earlier stage.

        Args:
            context: The run, with all its stages but this.
            model: The transplanted model.
        """
        stages = context.run.artifacts
        return adapted(
            context, model.folder, model.key, stages["corpus"], stages["tokens"],
            self.settings, self.training,
            mixture=stages["mixture"].folder / "mixture.safetensors",
        )  # fmt: skip
