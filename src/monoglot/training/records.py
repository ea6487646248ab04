"""What a run writes down and shows while it works."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from monoglot.errors import TrainingError
from monoglot.progress import Advance, Progress
from monoglot.run import atomic_write
from monoglot.training.checkpoints import METRICS, recorded

RECORDED = {
    "loss": "loss",
    "grad_norm": "gradient_norm",
    "learning_rate": "learning_rate",
}


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
        """Keep of what was recorded what the checkpoint knows from which the run resumes."""
        lines = recorded(self._file.parent, state.global_step)
        with atomic_write(self._file) as file:
            file.writelines(f"{line}\n" for line in lines)
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
        """Record the figures of a step.

        Raises:
            TrainingError: If one is NaN or infinite.
        """
        logs = logs or {}
        figures = {to: logs[name] for name, to in RECORDED.items() if name in logs}
        figures |= {name.removeprefix("eval_"): value for name, value in logs.items() if _is_score(name)}
        if not figures:
            return
        if wrong := [name for name, value in figures.items() if not math.isfinite(value)]:
            raise TrainingError(
                f"{wrong[0].replace('_', ' ')} is {figures[wrong[0]]} at step {state.global_step}: begin "
                "again with a lower --learning-rate or with --precision float32"
            )
        tokens = state.global_step * self._step_tokens
        with self._file.open("a", encoding="utf-8") as file:
            file.write(
                json.dumps({"step": state.global_step, "tokens": tokens, **figures}, allow_nan=False) + "\n"
            )
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


def records(folder: Path, step_tokens: int, progress: Progress, advance: Advance) -> list[TrainerCallback]:
    """The recorder, in the one process that writes."""
    if not PartialState().is_main_process:
        return []
    return [Records(folder / METRICS, step_tokens, advance, progress.note)]
