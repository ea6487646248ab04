"""How long, how fast and what of a model to train, as steps and batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import Annotated, Any, Literal, Self

from cyclopts import Parameter
from cyclopts.validators import Number

from monoglot.errors import SettingError
from monoglot.options import Count, CountOrZero, InnerShare, Share, Weight, check_types

SCHEDULE = Literal["all", "keep-copied", "embeddings-first", "embeddings", "new-rows"]
DECAY = Literal["constant", "linear", "cosine"]
EMBEDDINGS_ALONE = ("embeddings", "new-rows")
"""Schedules that train nothing of the body."""
FROZEN_SHARE = 0.2
PRECISION = Literal["auto", "bf16", "float32"]

EXECUTION = ("device_tokens", "keep", "report_to", "compile", "gradient_checkpointing")
"""Settings that may differ when a run resumes: they change how it is computed, and no more than rounding."""


DEFAULT_TOKENS = 10_000_000
"""Length of a training of which nothing else is known."""
LEAST_TOKENS = 50_000
"""The shortest training that is chosen unasked."""
TOKENS_PER_NEW_ROW = 250
SENTENCE_TOKENS_PER_NEW_ROW = 25
"""For sentence encoders, which have a teacher: 250,000 tokens for 10,000 new rows (docs/modes.md)."""


def budget_tokens(new_rows: int | None, tokens_per_new_row: int) -> int:
    """How many tokens of text to train on, where the user does not say.

    Args:
        new_rows: How many embeddings are new; ``None`` if that is not known.
        tokens_per_new_row: How many tokens for each of them.
    """
    return max(LEAST_TOKENS, tokens_per_new_row * new_rows) if new_rows else DEFAULT_TOKENS


def check_schedule(schedule: SCHEDULE | None, new_rows: int | None) -> None:
    """Refuse a schedule that tells new rows from copied ones where that makes no sense.

    Args:
        schedule: The schedule; ``None`` if that is left to the objective.
        new_rows: How many rows of the vocabulary are new; ``None`` if that is not known.

    Raises:
        SettingError: If it is not known which rows are new, or none is and all others would be left alone.
    """
    if schedule == "new-rows" and not new_rows:
        made = "made, in another mode than trim"
    elif schedule == "keep-copied" and new_rows is None:
        made = "made"
    else:
        return
    raise SettingError(
        f"--schedule {schedule} needs a model with rows that were not copied: one that `specialize` {made}"
    )


@dataclass(frozen=True)
class Recipe:
    """Defaults of an objective for settings that the user leaves open; see `TrainingSettings`."""

    batch_tokens: int = 8192
    learning_rate: float = 5e-5
    embedding_learning_rate: float | None = None
    decay: DECAY = "constant"
    schedule: SCHEDULE = "all"


def _also(*names: str) -> Parameter:
    """Name an option, and what `transformers.TrainingArguments` or ``axolotl`` call the same."""
    return Parameter(name=[f"--{name}" for name in names])


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of continued pretraining.

    ``None`` leaves a setting to the objective (see `Recipe`).

    Attributes:
        tokens: How many tokens of text to train on; a corpus with fewer is read repeatedly. By default 250
            for each new embedding (25 for ``distill``) and at least 50,000; 10 million if there are no new
            ones or it is not known which are new.
        window_tokens: Length of the windows that documents are packed into; at most the model's limit.
        batch_tokens: Tokens per optimizer step, over all processes; by default 8192, and 1024 for
            ``distill``.
        device_tokens: The most tokens that a process computes at a time; gradients are accumulated over a
            batch.
        schedule: What is trained: ``all``, ``keep-copied`` (all except copied embeddings),
            ``embeddings-first`` (the body follows later), ``embeddings`` only, or ``new-rows``: only
            embeddings that were not copied. By default ``all``; for ``distill``, if `specialize` made
            the model, ``new-rows`` where at most a fifth of the embeddings is new, else ``keep-copied``.
        frozen_share: In ``embeddings-first``: share of the budget after which the body is trained too.
        layers: Numbers of the layers to train, and nothing else of the body; by default the whole body.
        learning_rate: Learning rate of the body; by default 5e-5, and for ``distill`` 1e-4, or 3e-5 where it
            is trained and at most half of the embeddings is new.
        embedding_learning_rate: Learning rate of the vocabulary's tables; by default 2e-4 for ``distill``,
            for others 1e-3, in schedule ``all`` the body's.
        warmup_share: Share of the steps in which learning rates rise from zero.
        decay: How learning rates change after that: ``constant`` by default, as in the paper, and ``linear``
            for ``distill``.
        weight_decay: Weight decay of the body's matrices; embeddings, biases and norms have none.
        lora_rank: Train adapters of this rank instead of the body's matrices (needs ``monoglot[lora]``).
        precision: ``bf16`` for matrix products on devices that support it; ``auto`` detects this.
        checks: How many times to score on held-out text and save, spread over the run, including its end.
        patience: Stop if this many checks in a row do not improve on the best, and restore the best.
        keep: How many checkpoints to keep.
        compile: Whether to compile the model with torch.compile.
        gradient_checkpointing: Whether to save memory by computing activations twice.
        report_to: Other tools that record the run: ``tensorboard``, ``wandb`` … (see `transformers.Trainer`).
    """

    tokens: Count | None = None
    window_tokens: Annotated[Count, _also("window-tokens", "max-seq-length")] = 256
    batch_tokens: Count | None = None
    device_tokens: Count = 4096
    schedule: SCHEDULE | None = None
    frozen_share: Share = FROZEN_SHARE
    layers: Annotated[tuple[int, ...], Number(gte=0)] = ()
    learning_rate: InnerShare | None = None
    embedding_learning_rate: InnerShare | None = None
    warmup_share: Annotated[Share, _also("warmup-share", "warmup-ratio")] = 0.05
    decay: Annotated[DECAY | None, _also("decay", "lr-scheduler-type")] = None
    weight_decay: Weight = 0.01
    lora_rank: CountOrZero = 0
    precision: PRECISION = "auto"
    checks: Count = 10
    patience: Count | None = None
    keep: Annotated[Count, _also("keep", "save-total-limit")] = 2
    compile: bool = False
    gradient_checkpointing: bool = False
    report_to: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            SettingError: If a value is of another type than its field's, a number is out of range, or
                adapters would have nothing to work on.
        """
        check_types(self)
        if self.lora_rank and self.schedule in EMBEDDINGS_ALONE:
            raise SettingError(
                "--lora-rank has no matrices to work on: no layer of the body is trained with --schedule "
                f"{self.schedule}; leave it out, or choose another schedule"
            )

    @property
    def ignored(self) -> Iterator[str]:
        """What was given and does nothing, a sentence each."""
        if self.frozen_share != FROZEN_SHARE and self.schedule not in (None, "embeddings-first"):
            yield f"--frozen-share is for --schedule embeddings-first and does nothing with {self.schedule}"
        if self.schedule in EMBEDDINGS_ALONE:
            for name in ("layers", "learning_rate"):
                if getattr(self, name):
                    flag = f"--{name.replace('_', '-')}"
                    yield f"{flag} is for the body, which --schedule {self.schedule} does not train"
        if self.patience is not None and self.patience >= self.checks:
            yield (
                f"--patience {self.patience} never ends a training that is scored {self.checks} times "
                "(--checks): give less, or more checks"
            )

    def filled(self, recipe: Recipe) -> TrainingSettings:
        """Fill in what was left to the objective."""
        left = {name: value for name, value in vars(recipe).items() if getattr(self, name) is None}
        return replace(self, **left)

    @property
    def recipe(self) -> Recipe:
        """What the user may leave to the objective: as it was given, else as most objectives have it."""
        given = {field.name: getattr(self, field.name) for field in fields(Recipe)}
        return Recipe(**{name: value for name, value in given.items() if value is not None})

    @property
    def rate_of_embeddings(self) -> float:
        """Learning rate of the vocabulary's tables."""
        if self.embedding_learning_rate is not None:
            return self.embedding_learning_rate
        return self.recipe.learning_rate if self.recipe.schedule == "all" else 1e-3

    def with_windows(self, most_tokens: int) -> TrainingSettings:
        """Limit the windows to what a model takes."""
        return replace(self, window_tokens=min(self.window_tokens, most_tokens))

    def resume_identity(self) -> dict[str, Any]:
        """Settings that must be the same when a run resumes."""
        return {
            field.name: getattr(self, field.name) for field in fields(self) if field.name not in EXECUTION
        }


@dataclass(frozen=True)
class Budget:
    """A number of tokens as steps, batches and micro-batches of each process.

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
        window_tokens, tokens = settings.window_tokens, settings.tokens or DEFAULT_TOKENS
        batch = max(1, settings.recipe.batch_tokens // window_tokens)
        if batch % processes:
            raise SettingError(
                f"a batch of {batch} windows can't be shared by {processes} processes: give --batch-tokens a "
                f"multiple of {processes * window_tokens}"
            )
        share = batch // processes
        most = max(1, settings.device_tokens // window_tokens)
        device = max(size for size in range(1, min(most, share) + 1) if share % size == 0)
        steps = ceil(tokens / (batch * window_tokens))
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
        """Give the number of steps between n events spread over the run."""
        return max(1, ceil(self.steps / times))
