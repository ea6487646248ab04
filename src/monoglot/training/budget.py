"""A budget of tokens as steps, batches and what each process computes at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Self

from monoglot.errors import SettingError
from monoglot.training.settings import TrainingSettings


@dataclass(frozen=True)
class Budget:
    """How the windows of a run are spread over time and processes.

    Attributes:
        window_tokens: Length of a window.
        batch_windows: Windows of an optimizer's step, over all processes.
        device_windows: Windows that a process computes with at a time.
        accumulation: How many of these each process adds up for one step.
        steps: Steps of the run.
    """

    window_tokens: int
    batch_windows: int
    device_windows: int
    accumulation: int
    steps: int

    @classmethod
    def of(cls, settings: TrainingSettings, processes: int) -> Self:
        """Spread a budget.

        Args:
            settings: How many tokens in all, in a batch, in a window, and at a time.
            processes: How many there are.

        Raises:
            SettingError: If a batch can't be shared equally.
        """
        window_tokens = settings.window_tokens
        batch = max(1, settings.recipe.batch_tokens // window_tokens)
        if batch % processes:
            raise SettingError(
                f"a batch of {batch} windows can't be shared by {processes} processes: give --batch-tokens a "
                f"multiple of {processes * window_tokens}"
            )
        share = batch // processes
        most = max(1, settings.device_tokens // window_tokens)
        device = max(size for size in range(1, min(most, share) + 1) if share % size == 0)
        steps = ceil(settings.tokens / (batch * window_tokens))
        return cls(window_tokens, batch, device, share // device, steps)

    @property
    def windows(self) -> int:
        """Windows of the whole run."""
        return self.steps * self.batch_windows

    @property
    def step_tokens(self) -> int:
        """Tokens of a step."""
        return self.batch_windows * self.window_tokens

    def interval(self, times: int) -> int:
        """Every how many steps something happens that is to happen so many times."""
        return max(1, ceil(self.steps / times))
