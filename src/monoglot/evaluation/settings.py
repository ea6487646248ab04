"""Settings of scoring and fine-tuning; light to import, for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from monoglot.errors import SettingError
from monoglot.options import check_types
from monoglot.training.schedule import PRECISION

Head = Literal["usual", "standardized"]

SHORTEST_WINDOW_TOKENS = 8


@dataclass(frozen=True)
class LanguageSettings:
    """Settings of bits per byte.

    Attributes:
        window_tokens: The most tokens that the model reads at once; at most its limit, by default 1024.
        word_share: For masked models, the share of words to predict; each costs a forward pass. By default
            all.
        seed: Seed for the choice of these words.
    """

    window_tokens: int | None = None
    word_share: float | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        check_types(self)
        if self.window_tokens is not None and self.window_tokens < SHORTEST_WINDOW_TOKENS:
            raise SettingError(
                f"window_tokens must be at least {SHORTEST_WINDOW_TOKENS}, was: {self.window_tokens}"
            )
        if self.word_share is not None and not 0 < self.word_share <= 1:
            raise SettingError(f"word_share is a share above 0 and up to 1, was: {self.word_share}")


@dataclass(frozen=True)
class FineTuning:
    """Settings of fine-tuning.

    Attributes:
        epochs: Passes over the training data; by default what the task usually takes, 3 to 5.
        learning_rate: Peak learning rate, reached after a tenth of the steps; then it falls to zero.
        batch_size: Examples per step.
        longest_tokens: Longer inputs are truncated, or read in windows.
        precision: ``bf16`` for matrix products on devices that support it; ``auto`` detects this.
        heads: Input of a new head: hidden states unchanged (``usual``, as in published scores), states minus
            their mean vector, divided by their standard deviation (``standardized``), or each in turn
            (``both``), which takes twice the time.
    """

    epochs: int | None = None
    learning_rate: float = 5e-5
    batch_size: int = 16
    longest_tokens: int = 256
    precision: PRECISION = "auto"
    heads: Literal["both", "usual", "standardized"] = "both"

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("epochs", "learning_rate", "batch_size", "longest_tokens"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise SettingError(f"{name} must be positive, was: {value}")

    @property
    def each_head(self) -> tuple[Head, ...]:
        """The heads that are trained, one after the other."""
        return ("standardized", "usual") if self.heads == "both" else (self.heads,)


SCORED_WORDS = 0.15
"""The share of its words that a masked model is asked for."""
