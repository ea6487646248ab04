"""What all runs on a corpus share."""

# Without `from __future__ import annotations`: cyclopts looks up names in annotations of inherited fields in
# the file of the class that inherits them, and annotations that are objects have no names to look up.
import os
from dataclasses import dataclass

from monoglot.device import check_name
from monoglot.errors import SettingError
from monoglot.options import (
    ModelOption,
    RunOption,
    TextOption,
    check_types,
)

MOST_SEED = 2**31 - 1


def cores() -> int:
    """Count the cores that this process may use, in a container fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads that is none.

    Raises:
        SettingError: If it is too small.
    """
    if threads is not None and threads < 1:
        raise SettingError(f"--threads {threads} is too small: give 1 or more")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Settings that every run on a corpus has.

    Attributes:
        column: Column of the corpus that holds the text, for formats with columns.
        heldout: Text to score on; by default about 1% of the corpus is held out.
        seed: Seed of every random choice.
        threads: Number of threads; by default the number of cores. Runs with one thread are reproducible.
        device: Where models are trained, and scored when methods are compared: ``cpu``, ``cuda``, ``cuda:1``,
            ``mps`` …; by default an accelerator if there is one.
        trust_remote_code: Whether code that comes with the model may run.
    """

    column: TextOption[str | None] = None
    heldout: TextOption[str | None] = None
    seed: RunOption[int] = 42
    threads: RunOption[int | None] = None
    device: RunOption[str | None] = None
    trust_remote_code: ModelOption[bool] = False

    def __post_init__(self) -> None:
        """Refuse values of another type than their field's, and numbers out of range.

        Raises:
            SettingError: If there is one.
        """
        check_types(self)
        check_threads(self.threads)
        check_name(self.device)
        if not 0 <= self.seed <= MOST_SEED:
            raise SettingError(f"--seed {self.seed} is out of range: give 0 … {MOST_SEED}")

    @property
    def n_threads(self) -> int:
        """Number of threads to use."""
        return self.threads or cores()
