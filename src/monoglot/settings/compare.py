"""Which initialization methods are compared, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monoglot.errors import SettingError
from monoglot.options import (
    EvaluationOption,
    InitializationOption,
    TrainingOption,
    VocabularyOption,
)
from monoglot.settings.run import RunSettings
from monoglot.settings.specialize import Settings

PROBE_OPTIONS = {"batch_tokens": 2048, "checks": 5, "keep": 1}
"""Where a probe differs from what `adapt` does by default: more steps for its few tokens."""


@dataclass(frozen=True)
class CompareSettings(RunSettings):
    """Settings of `compare`.

    Attributes:
        methods: Initialization methods, separated by commas, with options as in
            ``blend:second_share=0.5``; the controls are added.
        probe_tokens: How many tokens each of them is trained on.
        seeds: How many times to train each: with the seed, the next one and so on.
        lines: Number of held-out lines to score, spread evenly over the text.
        retention: Text of another language, to see how much is lost in it.
        vocabulary_size: Tokens of the new vocabulary that all methods share; 50,048 when one is trained.
        target_tokenizer: Folder or hub name of a tokenizer to use instead of training one.
        norm_calibration: How far to rescale mixed rows, which are shorter than their parents, from 0 to 1.
        vectors: Engine that trains the auxiliary vectors, or a file with vectors for the target tokenizer.
        vectors_options: Settings of the engine, by the names of its fields.
        objective_options: Settings of the training objective, such as the prefix that a sentence encoder
            expects.
        adapt_options: Settings of the training, with the option names of ``adapt``.
    """

    methods: InitializationOption[tuple[str, ...]] = ("blend", "focus")
    probe_tokens: TrainingOption[int] = 200_000
    seeds: TrainingOption[int] = 3
    lines: EvaluationOption[int] = 200
    retention: EvaluationOption[tuple[str, ...]] = ()
    vocabulary_size: VocabularyOption[int | None] = None
    target_tokenizer: VocabularyOption[str | None] = None
    norm_calibration: InitializationOption[float] = 0.0
    vectors: InitializationOption[str] = "cooccurrence"
    vectors_options: InitializationOption[dict[str, Any]] = field(default_factory=dict)
    objective_options: TrainingOption[dict[str, Any]] = field(default_factory=dict)
    adapt_options: TrainingOption[dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            SettingError: If a value is of another type than its field's, a number is too small, or probes
                could differ in length.
        """
        super().__post_init__()
        for name in ("tokens", "patience"):
            if name in self.adapt_options:
                raise SettingError(
                    f"every probe is as long as the others: leave out --adapt-options.{name}, and say with "
                    "--probe-tokens how long"
                )
        for name, least in (("probe_tokens", 1), ("seeds", 1), ("lines", 2)):
            if getattr(self, name) < least:
                flag = f"--{name.replace('_', '-')}"
                raise SettingError(f"{flag} {getattr(self, name)} is too small: give {least} or more")

    def of_probes(self) -> Settings:
        """The settings of `specialize` that make the variants and train each of them.

        Raises:
            SettingError: If a number is out of range.
        """
        # Stages that no method takes part in name the plainest one.
        own = ("methods", "probe_tokens", "seeds", "lines", "retention", "objective_options", "adapt_options")
        shared = {name: value for name, value in vars(self).items() if name not in own}
        options = {name.replace("-", "_"): value for name, value in self.adapt_options.items()}
        options |= {"objective_options": self.objective_options}
        return Settings(
            **shared,
            mode="replace",
            method="subword",
            adapt_tokens=self.probe_tokens,
            adapt_options=PROBE_OPTIONS | options,
        )

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seed of each training."""
        return tuple(range(self.seed, self.seed + self.seeds))
