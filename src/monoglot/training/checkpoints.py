"""Checkpoints of a run: which of them are complete, and whether a run may go on from them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monoglot.errors import SettingError
from monoglot.run import read_json, write_json
from monoglot.run.content import canonical

COMPLETE = "complete.json"
"""Written into a checkpoint after everything else."""
SETTINGS = "settings.json"
MISSING = "nothing"


def latest(folder: Path) -> Path | None:
    """The newest complete checkpoint."""
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return max(complete, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.rpartition("-")[2])


def complete(folder: Path, step: int, keep: int, best: str | None) -> None:
    """Mark a checkpoint as complete, then remove those that are no longer needed.

    Args:
        folder: The folder of the checkpoints.
        step: The step whose checkpoint has just been written.
        keep: How many to keep.
        best: One that is kept in any case.
    """
    checkpoint = folder / f"checkpoint-{step}"
    # Trainer pickles its arguments for the user's information; nobody reads them here.
    (checkpoint / "training_args.bin").unlink(missing_ok=True)
    write_json(checkpoint / COMPLETE, {"step": step})
    others = sorted((p for p in folder.glob("checkpoint-*") if p != checkpoint), key=step_of)
    for old in others[: max(0, len(others) + 1 - keep)]:
        if best is None or old.name != Path(best).name:
            _forget(old)


def discard_incomplete(folder: Path) -> None:
    """Remove what a killed process left unfinished."""
    for path in folder.glob("checkpoint-*"):
        if not (path / COMPLETE).exists():
            _forget(path)


def _forget(checkpoint: Path) -> None:
    """Remove a checkpoint; if that is interrupted, what is left does not count as complete."""
    (checkpoint / COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(checkpoint, ignore_errors=True)


def same_run(folder: Path, settings: Mapping[str, Any]) -> None:
    """Note the settings of a run, or compare them with those noted when it began.

    Args:
        folder: The folder of the checkpoints.
        settings: All settings and inputs that must stay the same.

    Raises:
        SettingError: If they differ, naming each that does.
    """
    path = folder / SETTINGS
    now = canonical(settings)
    if latest(folder) is None or not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, now)
        return
    before = read_json(path)
    names = sorted(name for name in {*before, *now} if before.get(name, MISSING) != now.get(name, MISSING))
    if names:
        changes = ", ".join(
            f"{name} was {before.get(name, MISSING)} and is now {now.get(name, MISSING)}" for name in names
        )
        raise SettingError(
            f"the interrupted training in {folder} had other settings ({changes}): give the same ones to go "
            "on, or remove that folder to begin again"
        )
