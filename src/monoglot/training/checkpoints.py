"""Records and checkpoints of a run: which are complete and undamaged, and whether a run may resume."""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from monoglot.errors import SettingError, TrainingError
from monoglot.progress import Advance, Progress
from monoglot.run import atomic_write, file_hash, read_json, write_json
from monoglot.run.atomic_files import discard, sync_folder, sync_tree
from monoglot.run.hashing import canonical
from monoglot.run.layout import LAYOUT

logger = logging.getLogger(__name__)


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


COMPLETE = "complete.json"
"""Written into a checkpoint after everything else: its step, and the SHA-256 of each file."""


def latest(folder: Path) -> Path | None:
    """Find the newest complete checkpoint."""
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return max(complete, key=step_of, default=None)


METRICS = LAYOUT.metrics.name


def complete(folder: Path, step: int, keep: int, best: str | None) -> None:
    """Mark a checkpoint as complete, then remove those that are no longer needed.

    All its files, and the metrics recorded so far, have reached the disk before it counts as complete.

    Args:
        folder: The folder of the checkpoints.
        step: The step whose checkpoint has just been written.
        keep: How many to keep.
        best: One that is kept in any case.
    """
    checkpoint = folder / f"checkpoint-{step}"
    # Trainer pickles its arguments for the user's information; nobody reads them here.
    (checkpoint / "training_args.bin").unlink(missing_ok=True)
    if (folder / METRICS).is_file():
        shutil.copyfile(folder / METRICS, checkpoint / METRICS)
    (checkpoint / COMPLETE).unlink(missing_ok=True)
    sync_tree(checkpoint)
    sync_folder(folder)
    write_json(checkpoint / COMPLETE, {"step": step, "files": _hashes(checkpoint)})
    others = sorted((p for p in folder.glob("checkpoint-*") if p != checkpoint), key=step_of)
    for old in others[: max(0, len(others) + 1 - keep)]:
        if best is None or old.name != Path(best).name:
            discard(old)


def _hashes(checkpoint: Path) -> dict[str, str]:
    paths = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != COMPLETE)
    return {path.relative_to(checkpoint).as_posix(): file_hash(path) for path in paths}


def step_of(checkpoint: Path) -> int:
    """Give the step of a checkpoint."""
    return int(checkpoint.name.rpartition("-")[2])


def discard_unusable(folder: Path) -> None:
    """Remove incomplete and damaged checkpoints; damaged ones are logged.

    Only the newest has to be sound, together with the best one if it names one; older ones are looked at
    when it is not.

    Args:
        folder: The folder of the checkpoints.
    """
    for path in folder.glob(".checkpoint-*"):
        discard(path)
    for path in folder.glob("checkpoint-*"):
        if not (path / COMPLETE).exists():
            discard(path)
    damaged = []
    while (newest := latest(folder)) is not None and (damage := _damage(newest)):
        damaged.append(f"{newest.name} is damaged ({damage})")
        discard(newest)
    if damaged:
        rest = f"resuming from {newest.name}" if newest else "there is no other, so training begins again"
        logger.warning("%s in %s: %s.", "; ".join(damaged), folder, rest)


STATE = "trainer_state.json"


def _damage(checkpoint: Path) -> str | None:
    """Describe what is wrong with a checkpoint; ``None`` if it can be used."""
    try:
        expected = read_json(checkpoint / COMPLETE)
        if not isinstance(expected, dict):
            return f"{COMPLETE} is not what was written"
        if "files" not in expected:  # written by an earlier version, which noted no hashes
            return None if (checkpoint / STATE).is_file() else f"{STATE} is missing"
        found = _hashes(checkpoint)
        wrong = [name for name, digest in expected["files"].items() if found.get(name) != digest]
        if wrong:
            return f"{wrong[0]} is {'not what was written' if wrong[0] in found else 'missing'}"
        best = read_json(checkpoint / STATE)["best_model_checkpoint"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return f"{COMPLETE} or {STATE} can't be read"
    place = checkpoint.parent / Path(best).name if best else checkpoint
    if place == checkpoint:
        return None
    if not (place / COMPLETE).is_file():
        return f"{place.name}, the best one, is missing"
    damage = _damage(place)
    return f"{place.name}, the best one: {damage}" if damage else None


SETTINGS = "settings.json"
MISSING = "nothing"


def same_run(folder: Path, settings: Mapping[str, Any]) -> None:
    """Record the settings of a run, or compare them with those recorded when it began.

    Args:
        folder: The folder of the checkpoints.
        settings: All settings and inputs that must stay the same.

    Raises:
        SettingError: If they differ, naming each that does, or can't be read.
    """
    path = folder / SETTINGS
    now = canonical(settings)
    if latest(folder) is None:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, now)
        return
    try:
        before = dict(read_json(path))
    except (OSError, ValueError, TypeError):
        raise SettingError(
            f"{path} is damaged or missing, so it is unknown whether the interrupted training in "
            f"{folder} had the same settings: remove that folder to restart"
        ) from None
    names = sorted(name for name in {*before, *now} if before.get(name, MISSING) != now.get(name, MISSING))
    if names:
        changes = ", ".join(
            f"{name} was {before.get(name, MISSING)} and is now {now.get(name, MISSING)}" for name in names
        )
        raise SettingError(
            f"the interrupted training in {folder} had other settings ({changes}): give the same ones to "
            "resume, or remove that folder to restart"
        )


def recorded(folder: Path, step: int) -> list[str]:
    """Read the recorded lines up to a step; none if the run begins.

    Args:
        folder: The folder of the checkpoints.
        step: The step; 0 if the run begins.
    """
    if step == 0:
        return []
    own = folder / f"checkpoint-{step}" / METRICS
    file = own if own.is_file() else folder / METRICS  # earlier versions kept no copy
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line for line in lines if _step(line) <= step]


def _step(line: str) -> int:
    """The step of a recorded line; a line that a killed process left unfinished counts as later than all."""
    try:
        return int(json.loads(line)["step"])
    except ValueError:
        return 1 << 62


def _is_score(name: str) -> bool:
    return name.startswith("eval_")


def records(folder: Path, step_tokens: int, progress: Progress, advance: Advance) -> list[TrainerCallback]:
    """Give the recorder, in the one process that writes."""
    if not PartialState().is_main_process:
        return []
    return [Records(folder / METRICS, step_tokens, advance, progress.note)]


def ended_early(checkpoint: Path, patience: int) -> bool:
    """Tell whether early stopping ended the run at a checkpoint.

    Args:
        checkpoint: The checkpoint.
        patience: After how many checks without progress a run ends.
    """
    return checks_without_progress(read_json(checkpoint / STATE)) >= patience


def checks_without_progress(state: Mapping[str, Any]) -> int:
    """Count the checks without progress when a checkpoint was written.

    Args:
        state: The fields of the ``TrainerState`` in the checkpoint.
    """
    saved = (state.get("stateful_callbacks") or {}).get("Patience", {}).get("attributes", {})
    return int(saved.get("early_stopping_patience_counter", 0))
