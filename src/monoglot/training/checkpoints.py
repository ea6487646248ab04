"""Checkpoints of a run: which of them are complete and undamaged, and whether a run may resume from them."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monoglot.errors import SettingError
from monoglot.run import file_hash, read_json, write_json
from monoglot.run.atomic_files import discard, sync_folder, sync_tree
from monoglot.run.hashing import canonical

COMPLETE = "complete.json"
"""Written into a checkpoint after everything else: its step, and the SHA-256 of each file."""
SETTINGS = "settings.json"
STATE = "trainer_state.json"
METRICS = "metrics.jsonl"
MISSING = "nothing"

logger = logging.getLogger(__name__)


def latest(folder: Path) -> Path | None:
    """The newest complete checkpoint."""
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return max(complete, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.rpartition("-")[2])


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


def discard_unusable(folder: Path) -> None:
    """Remove what a killed process left unfinished, and checkpoints that are damaged, which is said.

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


def _damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint, or with the best one that it names; ``None`` if it can be used."""
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


def ended_early(checkpoint: Path, patience: int) -> bool:
    """Whether the run of a checkpoint was ended by early stopping there.

    Args:
        checkpoint: The checkpoint.
        patience: After how many checks without progress a run ends.
    """
    return checks_without_progress(read_json(checkpoint / STATE)) >= patience


def checks_without_progress(state: Mapping[str, Any]) -> int:
    """How many checks of a run were no better than its best when a checkpoint was written.

    Args:
        state: The fields of the ``TrainerState`` in the checkpoint.
    """
    saved = (state.get("stateful_callbacks") or {}).get("Patience", {}).get("attributes", {})
    return int(saved.get("early_stopping_patience_counter", 0))


def _hashes(checkpoint: Path) -> dict[str, str]:
    paths = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != COMPLETE)
    return {path.relative_to(checkpoint).as_posix(): file_hash(path) for path in paths}


def recorded(folder: Path, step: int) -> list[str]:
    """The lines of metrics up to a step from which a run resumes; none if it begins.

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


def same_run(folder: Path, settings: Mapping[str, Any]) -> None:
    """Note the settings of a run, or compare them with those noted when it began.

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
            f"{path} is damaged or missing, so that nobody knows whether the interrupted training in "
            f"{folder} had the same settings: remove that folder to begin again"
        ) from None
    names = sorted(name for name in {*before, *now} if before.get(name, MISSING) != now.get(name, MISSING))
    if names:
        changes = ", ".join(
            f"{name} was {before.get(name, MISSING)} and is now {now.get(name, MISSING)}" for name in names
        )
        raise SettingError(
            f"the interrupted training in {folder} had other settings ({changes}): give the same ones to "
            "resume, or remove that folder to begin again"
        )
