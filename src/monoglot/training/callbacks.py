"""What happens beside the steps of a run: freezing, checkpoints, records, stopping."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Self

import torch
from accelerate import PartialState
from accelerate.utils import gather
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from monoglot.progress import Advance, Progress
from monoglot.training.checkpoints import complete
from monoglot.training.learner import Learner
from monoglot.training.parameters import Selection

RECORDED = {
    "loss": "loss",
    "grad_norm": "gradient_norm",
    "learning_rate": "learning_rate",
}


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


class Completing(TrainerCallback):
    """Marks each checkpoint when every process has written its part."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder, self._keep = folder, keep

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

    def __init__(self) -> None:
        self.received: int | None = None
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


class Records(TrainerCallback):
    """Writes ``metrics.jsonl`` and shows how far the run is.

    A line has the step, the tokens seen, and what was measured at that step: loss, gradient norm and learning
    rate, or held-out figures. Nothing in it depends on the clock.
    """

    def __init__(self, file: Path, step_tokens: int, advance: Advance, say: Callable[[str], None]) -> None:
        self._file, self._step_tokens, self._advance, self._say = file, step_tokens, advance, say
        self._shown = 0
        self._clock = time.perf_counter(), 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Forget what was recorded after the checkpoint from which the run goes on."""
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        kept = [line for line in lines if _step(line) <= state.global_step]
        self._file.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._clock = time.perf_counter(), state.global_step
        self.on_step_end(args, state, control)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Move the bar."""
        self._advance((state.global_step - self._shown) * self._step_tokens)
        self._shown = state.global_step

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Record the figures of a step."""
        logs = logs or {}
        figures = {to: logs[name] for name, to in RECORDED.items() if name in logs}
        figures |= {name.removeprefix("eval_"): value for name, value in logs.items() if _is_score(name)}
        if not figures:
            return
        tokens = state.global_step * self._step_tokens
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, "tokens": tokens, **figures}) + "\n")
        shown = {
            name: value for name, value in figures.items() if name not in ("gradient_norm", "learning_rate")
        }
        parts = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in shown.items()]
        self._say(f"{tokens:>13,} tokens  {self._speed(state.global_step):>7,.0f}/s  {'  '.join(parts)}")

    def _speed(self, step: int) -> float:
        start, first = self._clock
        return (step - first) * self._step_tokens / (time.perf_counter() - start)


def _is_score(name: str) -> bool:
    return name.startswith("eval_")


def _step(line: str) -> int:
    """The step of a recorded line; a line that a killed process left unfinished counts as later than all."""
    try:
        return int(json.loads(line)["step"])
    except ValueError:
        return 1 << 62


def records(folder: Path, step_tokens: int, progress: Progress, advance: Advance) -> list[TrainerCallback]:
    """The recorder, in the one process that writes."""
    if not PartialState().is_main_process:
        return []
    return [Records(folder / "metrics.jsonl", step_tokens, advance, progress.note)]
