"""Which initialization methods are compared, and how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from cyclopts.validators import Number

from monoglot.errors import SettingError
from monoglot.options import (
    Count,
    EvaluationOption,
    InitializationOption,
    Share,
    TokenCount,
    TrainingOption,
    VocabularyOption,
)
from monoglot.settings.run import MOST_SEED, RunSettings
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
        norm_calibration: How far to lengthen weighted means, which are shorter than their parents, from 0 to
            1.
        vectors: Engine that trains the auxiliary vectors, or a file with vectors for the target tokenizer.
        vectors_options: Settings of the engine, by the names of its fields.
        objective_options: Settings of the training objective, such as the prefix that a sentence encoder
            expects.
        adapt_options: Settings of the training, with the option names of ``adapt``.
    """

    methods: InitializationOption[tuple[str, ...]] = ("blend", "focus")
    probe_tokens: TrainingOption[Count] = 200_000
    seeds: TrainingOption[Count] = 3
    lines: EvaluationOption[Annotated[int, Number(gte=2)]] = 200
    retention: EvaluationOption[tuple[str, ...]] = ()
    vocabulary_size: VocabularyOption[TokenCount | None] = None
    target_tokenizer: VocabularyOption[str | None] = None
    norm_calibration: InitializationOption[Share] = 0.0
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
        self._check_seeds()
        for name in ("tokens", "patience"):
            if name in self.adapt_options:
                raise SettingError(
                    f"every probe is as long as the others: leave out --adapt-options.{name}, and say with "
                    "--probe-tokens how long"
                )
        _ = (
            self.words,
            self.of_probes(),
        )  # refuses options of the training that are unknown, or of another type

    @property
    def words(self) -> tuple[str, ...]:
        """The methods that are asked for, each as `name_and_options` reads it."""
        return method_words(self.methods)

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

    def _check_seeds(self) -> None:
        """Refuse seeds that the last training could not have."""
        if self.seed + self.seeds - 1 > MOST_SEED:
            raise SettingError(
                f"--seed {self.seed} with {self.seeds} trainings (--seeds) goes beyond the largest seed, "
                f"{MOST_SEED}: give a smaller one"
            )

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seed of each training."""
        return tuple(range(self.seed, self.seed + self.seeds))


def method_words(given: Sequence[str]) -> tuple[str, ...]:
    """Divide what was given as methods into one word for each.

    Args:
        given: Names with options, several in one text divided by commas.

    Raises:
        SettingError: If there is none, one is named twice, or an option has no value.
    """
    words = tuple(word.strip() for text in given for word in text.split(",") if word.strip())
    if not words:
        raise SettingError("got no method to compare: give some, as in --methods blend,focus")
    if twice := [word for word in words if words.count(word) > 1]:
        raise SettingError(f"'{twice[0]}' is named twice in --methods: name it once")
    for word in words:
        if empty := [option for option, value in name_and_options(word)[1].items() if not value]:
            raise SettingError(f"the option '{empty[0]}' of '{word}' has no value: give {empty[0]}=VALUE")
    return words


def name_and_options(word: str) -> tuple[str, dict[str, str]]:
    """Read a method in one word, ``name:option=value:option=value``; a value may have colons, as paths do."""
    name, *parts = re.split(r":(?=[\w-]+=)", word)
    return name, dict(part.split("=", 1) for part in parts)


def without_folders(word: str) -> str:
    """Shorten paths in the options of such a word to their last part."""
    return re.sub(r"(?<==)[^:]*/(?=[^/:]+(?::|$))", "", word)
