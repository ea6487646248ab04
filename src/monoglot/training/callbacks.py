"""What happens beside the steps of a run: freezing, checkpoints, stopping."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

import torch
from accelerate import PartialState
from accelerate.utils import gather
from torch.distributed.tensor import DTensor
from torch.nn.utils import get_total_norm
from transformers import (
    EarlyStoppingCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from monoglot.errors import TrainingError
from monoglot.training.checkpoints import checks_without_progress, complete, latest
from monoglot.training.learner import Learner
from monoglot.training.parameters import Selection


class Freezing(TrainerCallback):
    """Lets the body join in after some steps; what depends on the step alone is right after a resumption."""

    def __init__(self, learner: Learner, selection: Selection, steps: int) -> None:
        named = dict(learner.model.named_parameters(remove_duplicate=False))
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


class Soundness(TrainerCallback):
    """Ends a run before a loss or a gradient that is no number changes any weight."""

    def __init__(self, learner: Learner, folder: Path) -> None:
        self._learner, self._folder = learner, folder

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
            f"changed any weight ({kept}): begin again with a lower --learning-rate or with --precision "
            f"float32, after removing {self._folder}"
        )


class Patience(EarlyStoppingCallback):
    """Early stopping whose count of checks without progress outlives an interruption."""

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
    """Turns SIGTERM and the first Ctrl-C into a checkpoint and an orderly end, while the ``with`` block runs.

    Attributes:
        received: The signal, once there was one.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self, say: Callable[[str], None]) -> None:
        self.received: int | None = None
        self._say = say
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Listen, where a process can: in its main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
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
