"""Settings of scoring and fine-tuning; light to import, for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts.validators import Number

from monoglot.options import Count, InnerShare, PositiveShare, check_types
from monoglot.training.schedule import PRECISION

Head = Literal["usual", "standardized"]

SHORTEST_WINDOW_TOKENS = 8
WindowTokens = Annotated[int, Number(gte=SHORTEST_WINDOW_TOKENS)]


@dataclass(frozen=True)
class LanguageSettings:
    """Settings of bits per byte.

    Attributes:
        window_tokens: The most tokens that the model reads at once; at most its limit, by default 1024.
        word_share: For masked models, the share of words to predict; each costs a forward pass. By default
            all.
        seed: Seed for the choice of these words.
    """

    window_tokens: WindowTokens | None = None
    word_share: PositiveShare | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        check_types(self)


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

    epochs: Count | None = None
    learning_rate: InnerShare = 5e-5
    batch_size: Count = 16
    longest_tokens: Count = 256
    precision: PRECISION = "auto"
    heads: Literal["both", "usual", "standardized"] = "both"

    def __post_init__(self) -> None:
        check_types(self)

    @property
    def each_head(self) -> tuple[Head, ...]:
        """The heads that are trained, one after the other."""
        return ("standardized", "usual") if self.heads == "both" else (self.heads,)


SCORED_WORDS = 0.15
"""The share of its words that a masked model is asked for."""
