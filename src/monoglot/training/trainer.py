"""`transformers.Trainer` with groups of parameters, held-out figures, and the callbacks of a run."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import FrameType
from typing import Any, Self, cast

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather
from torch import nn
from torch.distributed.tensor import DTensor
from torch.nn.utils import get_total_norm
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from monoglot._hf import processor_has_bf16, scheduler_is_made, train_on
from monoglot.errors import SettingError, TrainingError
from monoglot.training.checkpoints import checks_without_progress, complete, latest
from monoglot.training.objective_wrapper import Learning, ObjectiveWrapper
from monoglot.training.parameters import Selection, parameter_groups, rate_factor
from monoglot.training.schedule import PRECISION, Budget, TrainingSettings


def process_device() -> torch.device:
    """Give the device on which this process trains; of a GPU also its number."""
    device = PartialState().device
    return torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" else device


def uses_bf16(precision: PRECISION, device: torch.device) -> bool:
    """Tell whether matrix products are computed in bf16 on a device; ``auto`` asks the hardware."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # A processor without it would be slower than in float32.
    return processor_has_bf16()


@contextmanager
def restored_randomness() -> Iterator[None]:
    """Restore the state of Python's, NumPy's and torch's global generators.

    `transformers.Trainer` seeds all three, and dropout draws from torch's.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - to leave it as it was
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


class Freezing(TrainerCallback):
    """Freezes the body for the first steps; depends on the step alone, so that runs resume right."""

    def __init__(self, wrapper: ObjectiveWrapper, selection: Selection, steps: int) -> None:
        named = dict(wrapper.model.named_parameters(remove_duplicate=False))
        for name in selection.frozen:
            named[name].requires_grad_(False)
        self._body = [named[name] for name in sorted(selection.body)]
        self._steps = steps

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Freeze or free the body."""
        learns = state.global_step >= self._steps
        for parameter in self._body:
            parameter.requires_grad_(learns)


class NonFiniteGradientGuard(TrainerCallback):
    """Ends a run before a NaN or infinite loss or gradient changes any weight."""

    def __init__(self, wrapper: ObjectiveWrapper, folder: Path) -> None:
        self._learner, self._folder = wrapper, folder

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Look at the losses of the step and at their gradient.

        Raises:
            TrainingError: If one is NaN or infinite.
        """
        broken, self._learner.broken = self._learner.broken, None
        gradients = [p.grad for p in self._learner.parameters() if p.grad is not None]
        norm = get_total_norm(gradients)
        if isinstance(norm, DTensor):
            norm = norm.full_tensor()
        if torch.isfinite(norm) and not (broken is not None and bool(broken)):
            return
        checkpoint = latest(self._folder)
        kept = f"the last good checkpoint is {checkpoint}" if checkpoint else "there was no checkpoint yet"
        raise TrainingError(
            f"the loss or its gradient became NaN or infinite at step {state.global_step + 1}, before it "
            f"changed any weight ({kept}): restart with a lower --learning-rate or with --precision "
            f"float32, after removing {self._folder}"
        )


class Patience(EarlyStoppingCallback):
    """Early stopping whose count of checks without progress survives an interruption."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Take over the count of the checkpoint from which the run resumes."""
        super().on_train_begin(args, state, control, **others)
        if state.global_step:
            self.early_stopping_patience_counter = checks_without_progress(vars(state))


class Completing(TrainerCallback):
    """Marks each checkpoint when every process has written its part."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder, self._keep = folder, keep

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Record figures whenever a checkpoint is written: those since the last record are not part of it."""
        if control.should_save:
            control.should_log = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Mark the checkpoint that was just written."""
        processes = PartialState()
        processes.wait_for_everyone()
        if processes.is_main_process:
            complete(self._folder, state.global_step, self._keep, state.best_model_checkpoint)
        processes.wait_for_everyone()


class Interruption(TrainerCallback):
    """Turns SIGTERM and the first Ctrl-C into a checkpoint and an orderly end.

    Attributes:
        received: The signal, once there was one.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self, say: Callable[[str], None]) -> None:
        self.received: int | None = None
        self._say = say
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Install signal handlers, where a process can: in its main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Save and stop, in all processes if one of them was told to."""
        processes = PartialState()
        if processes.num_processes > 1:
            told = torch.tensor([self.received or 0], device=processes.device)
            self.received = self.received or int(gather(told).max()) or None
        if self.received:
            control.should_save = control.should_training_stop = True

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received = number
        signal.signal(number, self._before[number])  # a second one ends it at once
        self._say(f"{signal.Signals(number).name}: training stops after this step and saves it")


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
            scheduler_is_made(self)
        return self.lr_scheduler

    @property
    def _module(self) -> nn.Module:
        """What is trained; Trainer's type allows for none."""
        return cast(nn.Module, self.model)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Compute held-out figures, by the names that `Trainer` expects."""
        mode = self._module.training
        self._module.eval()
        in_bf16 = torch.autocast(self.args.device.type, torch.bfloat16, enabled=self._needs_bf16)
        with torch.no_grad(), in_bf16:
            metrics = {f"eval_{name}": value for name, value in self._score().items()}
        self._module.train(mode)
        watched = self.args.metric_for_best_model
        if watched and f"eval_{watched}" not in metrics:
            raise SettingError(f"--patience watches {watched}, which this model does not have: leave it out")
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
    device: torch.device,
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
        device: Where this process computes.
    """
    interval = budget.interval(settings.checks)
    # Newer versions of transformers have another name for it and warn of the old one.
    names = [field.name for field in fields(TrainingArguments) if field.name in CHECKPOINTING]
    others: dict[str, Any] = {min(names): True} if settings.gradient_checkpointing else {}
    made = TrainingArguments(
        output_dir=str(folder),
        max_steps=budget.steps,
        per_device_train_batch_size=budget.device_windows,
        gradient_accumulation_steps=budget.accumulation,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_pin_memory=device.type == "cuda",
        learning_rate=settings.recipe.learning_rate,
        weight_decay=settings.weight_decay,
        use_cpu=device.type == "cpu",
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
    if device.type != "cpu" and PartialState().num_processes == 1:
        train_on(made, device)
    return made
