"""`transformers.Trainer` with groups of parameters and held-out figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer, TrainingArguments

from monoglot.errors import SettingError
from monoglot.training.budget import Budget
from monoglot.training.learning import Learning
from monoglot.training.parameters import parameter_groups, rate_factor
from monoglot.training.settings import TrainingSettings

CHECKPOINTING = ("activation_checkpointing", "gradient_checkpointing")
"""The names of the argument, the newer one first in the alphabet as well."""
Score = Callable[[], dict[str, float]]
"""Held-out figures of the model as it is, by name."""


class LaptTrainer(Trainer):
    """Continued pretraining: overrides what `Trainer` offers for that, and nothing else."""

    def __init__(
        self,
        *args: Any,
        settings: TrainingSettings,
        learning: Learning,
        score: Score,
        needs_bf16: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._needs_bf16 = needs_bf16
        self._settings, self._learning, self._score = settings, learning, score

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW, with a learning rate for each group of parameters."""
        optimizer: torch.optim.Optimizer | None = self.optimizer
        if optimizer is None:
            named = (model or self._module).named_parameters()
            cls, options = self.get_optimizer_cls_and_kwargs(self.args)
            optimizer = cls(parameter_groups(named, self._learning.selection, self._settings), **options)
            self.optimizer = optimizer
        return optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """Warm-up and decay, for the body from when it joins in."""
        if self.lr_scheduler is None:
            optimizer = optimizer or self.create_optimizer()
            warmup = round(self._settings.warmup_share * num_training_steps)
            factors = [
                rate_factor(
                    self._settings.recipe.decay,
                    num_training_steps,
                    warmup,
                    0 if group["name"] in ("embeddings", "composition") else self._learning.frozen_steps,
                )
                for group in optimizer.param_groups
            ]
            self.lr_scheduler = LambdaLR(optimizer, factors)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    @property
    def _module(self) -> nn.Module:
        """What is trained; Trainer's type allows for none."""
        return cast(nn.Module, self.model)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Held-out figures, by names that `Trainer` knows them by."""
        mode = self._module.training
        self._module.eval()
        in_bf16 = torch.autocast(self.args.device.type, torch.bfloat16, enabled=self._needs_bf16)
        with torch.no_grad(), in_bf16:
            metrics = {f"eval_{name}": value for name, value in self._score().items()}
        self._module.train(mode)
        watched = self.args.metric_for_best_model
        if watched and f"eval_{watched}" not in metrics:
            raise SettingError(f"--patience watches {watched}, which this model has not: leave it out")
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def trainer_arguments(
    settings: TrainingSettings,
    budget: Budget,
    folder: Path,
    *,
    seed: int,
    bf16: bool,
    watched: str | None,
    begins: bool,
) -> TrainingArguments:
    """The arguments of `Trainer` that follow from our settings.

    Args:
        settings: Our settings.
        budget: Steps and batches.
        folder: Where checkpoints go.
        seed: Seed of dropout.
        bf16: Whether matrix products are in bf16.
        watched: The held-out figure that early stopping watches, if it is wanted.
        begins: Whether the run begins, so that figures of before are wanted.
    """
    interval = budget.interval(settings.checks)
    # Newer versions of transformers have another name for it and warn of the old one.
    names = [field.name for field in fields(TrainingArguments) if field.name in CHECKPOINTING]
    others: dict[str, Any] = {min(names): True} if settings.gradient_checkpointing else {}
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=budget.steps,
        per_device_train_batch_size=budget.device_windows,
        gradient_accumulation_steps=budget.accumulation,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        learning_rate=settings.recipe.learning_rate,
        weight_decay=settings.weight_decay,
        use_cpu=not torch.accelerator.is_available(),
        bf16=bf16,
        seed=seed,
        logging_steps=budget.interval(200),
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=interval,
        eval_on_start=begins,
        save_strategy="steps",
        save_steps=interval,
        load_best_model_at_end=watched is not None,
        metric_for_best_model=watched,
        greater_is_better=False if watched else None,
        optim="adamw_torch_fused",
        # Models have parameters that an objective does not use, such as poolers, and schedules freeze some.
        ddp_find_unused_parameters=True,
        torch_compile=settings.compile,
        report_to=list(settings.report_to),
        disable_tqdm=True,
        **others,
    )
