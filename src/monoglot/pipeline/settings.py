"""What the user may ask of `specialize`."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import Any, Literal

from monoglot.errors import SettingError
from monoglot.options import check_types, checked

MODE = Literal["replace", "extend", "trim"]
TRAINED_SIZE = 50_048
"""Tokens of a trained vocabulary: the paper's 50,000, rounded up to a multiple of 64."""


@dataclass(frozen=True)
class Settings:
    """All settings of a run; the defaults are what was measured to be best (docs/methods.md).

    Attributes:
        mode: What happens to the vocabulary: ``replace`` gives the model a new one, ``extend`` adds tokens to
            its own, ``trim`` drops the tokens that the corpus does not use.
        vocabulary_size: Tokens of the new vocabulary, special tokens included: 50,048 when one is trained. In
            mode ``trim`` it keeps the most frequent ones, so many in all.
        target_tokenizer: Folder or hub name of a tokenizer to take instead of training one.
        add_tokens: In mode ``extend``: how many tokens to add.
        minimum_count: In mode ``trim``: keep the tokens that occur at least so often.
        coverage: In mode ``trim``: keep the most frequent tokens that make up this share of the text.
        max_loss: In mode ``trim``: keep as few tokens as change the segmentation of at most this share of the
            held-out lines.
        weights: In mode ``trim``: how much each CORPUS counts beside the others, whatever its length; one
            number each. By default every token of the text counts the same.
        keep_text: Texts that are segmented as by the source, whatever the corpus (in mode ``replace``: whose
            tokens are kept), beside the prompts, prefixes and chat templates that the model's files name.
        keep_tokens: File of tokens, or texts, to keep, one a line.
        accept_difference: In modes ``trim`` and ``extend``: take the model even if it was not shown to do
            what the source does on texts of kept tokens.
        method: How the embeddings of missing tokens are initialised: blend, focus, focus-reference, subword,
            wechsel, clp, ofa, omp, alignment, script, random, mean, zero, or one of yours.
        method_options: Settings of the method, by the names of its fields.
        norm_calibration: How far to undo that mixed rows are shorter than their parents: 0 not at all, 1 as
            if parents were independent.
        vectors: What makes the auxiliary vectors: cooccurrence, fasttext, fasttext-skipgram, words,
            characters, model, contextual, or a file with vectors for the target tokenizer.
        vectors_options: Settings of the engine, by the names of its fields.
        adapt_tokens: Continue pretraining of the new model on so many tokens of the corpus; by default not.
        adapt_options: Settings of that training, by the names that ``adapt`` has for them.
        column: Column of the corpus that holds the text, where it has columns.
        heldout: Text to score with; by default about 1% of the corpus is set aside.
        seed: Seed of everything that is drawn.
        threads: How many threads to use; by default as many as there are cores. One thread is reproducible.
        trust_remote_code: Whether code that comes with the model may run.
    """

    mode: MODE = "replace"
    vocabulary_size: int | None = None
    target_tokenizer: str | None = None
    add_tokens: int = 30_000
    minimum_count: float = 1
    coverage: float | None = None
    max_loss: float | None = None
    weights: tuple[float, ...] = ()
    keep_text: tuple[str, ...] = ()
    keep_tokens: str | None = None
    accept_difference: bool = False
    method: str = "blend"
    method_options: dict[str, Any] = field(default_factory=dict)
    norm_calibration: float = 0.0
    vectors: str = "cooccurrence"
    vectors_options: dict[str, Any] = field(default_factory=dict)
    adapt_tokens: int | None = None
    adapt_options: dict[str, Any] = field(default_factory=dict)
    column: str | None = None
    heldout: str | None = None
    seed: int = 42
    threads: int | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            SettingError: If a value is of another type than its field's, or a number is too small.
        """
        check_types(self)
        if self.vocabulary_size is not None and self.vocabulary_size < 1:
            raise SettingError(
                f"--vocabulary-size {self.vocabulary_size} is too small: give a positive number"
            )
        if self.threads is not None and self.threads < 1:
            raise SettingError(f"--threads {self.threads} is too small: give 1 or more")
        if self.weights:
            self._check_weights()
        self._check_training()
        if self.target_tokenizer and self.mode == "trim":
            raise SettingError("--mode trim keeps the source's own tokens: leave out --target-tokenizer")
        if not 0 <= self.norm_calibration <= 1:
            raise SettingError(f"--norm-calibration {self.norm_calibration} is out of range: give 0 … 1")
        if not 0 <= self.seed < 2**31:
            raise SettingError(f"--seed {self.seed} is out of range: give 0 … {2**31 - 1}")

    def _check_weights(self) -> None:
        """Refuse weights that would do nothing, or could not be shares of a text."""
        if self.mode != "trim":
            raise SettingError(f"--weights is for --mode trim, got --mode {self.mode}: leave it out")
        if wrong := [weight for weight in self.weights if not (0 < weight < math.inf)]:
            raise SettingError(f"--weights are positive numbers, got {wrong[0]}: leave out a CORPUS instead")
        if self.vocabulary_size is self.coverage is self.max_loss is None:
            raise SettingError(
                "--weights say which tokens are more frequent, but every token that occurs is kept: give "
                "--vocabulary-size, --coverage or --max-loss too"
            )

    def _check_training(self) -> None:
        """Refuse settings of a training that is not asked for, or that are given in two ways."""
        if "tokens" in self.adapt_options:
            options = dict(self.adapt_options)
            tokens = checked(int, options.pop("tokens"), "--adapt-options.tokens")
            if self.adapt_tokens not in (None, tokens):
                raise SettingError(
                    f"--adapt-tokens is {self.adapt_tokens}, --adapt-options.tokens {tokens}: give one"
                )
            object.__setattr__(self, "adapt_tokens", tokens)
            object.__setattr__(self, "adapt_options", options)
        if self.adapt_options and self.adapt_tokens is None:
            given = ", ".join(self.adapt_options)
            raise SettingError(
                f"--adapt-options ({given}) are for a training, but none is asked for: give --adapt-tokens"
            )
        if self.adapt_tokens is not None and self.adapt_tokens < 1:
            raise SettingError(f"--adapt-tokens {self.adapt_tokens} is too small: give 1 or more")

    @property
    def size(self) -> int:
        """Tokens of a vocabulary that is trained."""
        return self.vocabulary_size or TRAINED_SIZE

    @property
    def n_threads(self) -> int:
        """How many threads to use."""
        if self.threads:
            return self.threads
        # A container or batch system may give a process fewer cores than the machine has.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
