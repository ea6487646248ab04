"""What the user may ask of `compare`; light to import, for the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from monoglot.errors import SettingError
from monoglot.options import check_types
from monoglot.pipeline.settings import Settings

PROBE_OPTIONS = {"batch_tokens": 2048, "checks": 5, "keep": 1}
"""Where a probe differs from what `adapt` does by default: more steps for its few tokens."""


@dataclass(frozen=True)
class CompareSettings:
    """Settings of `compare`.

    Attributes:
        methods: Initialisation methods, divided by commas, with options as in ``blend:second_share=0.5``; the
            controls are added.
        probe_tokens: How many tokens each of them is trained on.
        seeds: How many times to train each: with the seed, the next one and so on.
        lines: Score on so many lines of the held-out text, spread evenly over it.
        retention: Text of another language, to see what is lost of it.
        vocabulary_size: Tokens of the new vocabulary that all methods share; 50,048 when one is trained.
        target_tokenizer: Folder or hub name of a tokenizer to take instead of training one.
        norm_calibration: How far to undo that mixed rows are shorter than their parents, from 0 to 1.
        vectors: Engine that trains the auxiliary vectors, or a file with vectors for the target tokenizer.
        vectors_options: Settings of the engine, by the names of its fields.
        objective_options: Settings of what is learned, such as the prefix that a sentence encoder wants.
        adapt_options: Settings of the training, by the names that ``adapt`` has for them.
        column: Column of the corpus that holds the text, where it has columns.
        heldout: Text to score with; by default about 1% of the corpus is set aside.
        seed: Seed of everything that is drawn.
        threads: How many threads to use; by default as many as there are cores. One thread is reproducible.
        trust_remote_code: Whether code that comes with the model may run.
    """

    methods: tuple[str, ...] = ("blend", "focus")
    probe_tokens: int = 200_000
    seeds: int = 3
    lines: int = 200
    retention: tuple[str, ...] = ()
    vocabulary_size: int | None = None
    target_tokenizer: str | None = None
    norm_calibration: float = 0.0
    vectors: str = "cooccurrence"
    vectors_options: dict[str, Any] = field(default_factory=dict)
    objective_options: dict[str, Any] = field(default_factory=dict)
    adapt_options: dict[str, Any] = field(default_factory=dict)
    column: str | None = None
    heldout: str | None = None
    seed: int = 42
    threads: int | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            SettingError: If a value is of another type than its field's, a number is too small, or probes
                could differ in length.
        """
        check_types(self)
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

    def of_run(self) -> Settings:
        """The settings that `compare` shares with `specialize`.

        Raises:
            SettingError: If a number is out of range.
        """
        # Stages that no method takes part in name the plainest one.
        own = ("methods", "probe_tokens", "seeds", "lines", "retention", "objective_options", "adapt_options")
        shared = {name: value for name, value in vars(self).items() if name not in own}
        options = {name.replace("-", "_"): value for name, value in self.adapt_options.items()}
        options |= {"objective_options": self.objective_options}
        return Settings(
            **shared, method="subword", adapt_tokens=self.probe_tokens, adapt_options=PROBE_OPTIONS | options
        )

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seed of each training."""
        return tuple(range(self.seed, self.seed + self.seeds))
