"""How a model gets its vocabulary and new embeddings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from monoglot.errors import SettingError
from monoglot.options import (
    Count,
    InitializationOption,
    ModelOption,
    Share,
    TokenCount,
    TokenCountOrZero,
    TrainingOption,
    VocabularyOption,
    Weight,
    build,
    checked,
)
from monoglot.settings.adapt import AdaptSettings
from monoglot.settings.described import check_described
from monoglot.settings.run import RunSettings
from monoglot.training.schedule import TrainingSettings

MODE = Literal["replace", "extend", "trim", "graft"]
KEEPING: tuple[MODE, ...] = ("trim", "graft")
ADDING: tuple[MODE, ...] = ("replace", "extend", "graft")
REFUSED_OUTSIDE: dict[str, tuple[MODE, ...]] = {
    "new_tokens": ("graft",),
    "save": ("graft",),
    "language_tokens": KEEPING,
    "keep_script": KEEPING,
    "weights": ("trim",),
}
"""The modes of options that are refused in others: they say what somebody wants who means another mode."""
IGNORED_OUTSIDE: dict[str, tuple[MODE, ...]] = {
    "add_tokens": ("extend",),
    "minimum_count": KEEPING,
    "coverage": KEEPING,
    "max_loss": KEEPING,
    "accept_difference": ("trim", "extend", "graft"),
    "method": ADDING,
    "method_options": ADDING,
    "norm_calibration": ADDING,
    "vectors": ADDING,
    "vectors_options": ADDING,
}
"""The modes of options that do nothing in others, with a warning: one command may serve several modes."""
AUTO = "auto"
"""The method that suits mode and model."""
TRAINED_SIZE = 50_048
"""Tokens of a trained vocabulary, if the text supports so many: the paper's 50,000, as a multiple of 64."""


def _share(_: Any, tokens: Sequence[Any]) -> float:
    """Read a share of the command line, ``0.1`` or ``10%``."""
    text = str(tokens[0].value)
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise SettingError(
            f"--save {text} is not a share: give 0.1 or 10% for a tenth of the tokens"
        ) from error
    _check_share(share, text)
    return share


def _check_share(share: float, text: str) -> None:
    """Refuse a share that no new tokens could save; the text is what the user wrote."""
    if not 0 < share < 1:
        raise SettingError(
            f"--save {text} is out of range: give the share of tokens to save, 0.1 for a tenth"
        )


def default_of(option: dataclasses.Field[Any]) -> object:
    """The default of a field, made anew if it is one that can change."""
    return option.default if option.default_factory is dataclasses.MISSING else option.default_factory()


@dataclass(frozen=True)
class Settings(RunSettings):
    """Settings of `specialize`; the defaults are what was measured to be best (docs/methods.md).

    Attributes:
        mode: What happens to the vocabulary: ``graft`` drops the tokens that neither the corpus nor its
            language uses and adds new tokens that shorten the text, ``trim`` only drops, ``extend`` only
            adds, ``replace`` gives the model a new vocabulary.
        vocabulary_size: Tokens of the new vocabulary, special tokens included: 50,048 when one is trained. In
            modes ``trim`` and ``graft``: how many tokens to have at most, the most frequent first.
        target_tokenizer: Folder or hub name of a tokenizer to use instead of training one.
        add_tokens: In mode ``extend``: how many tokens to add; by default 30,000, or what the text supports.
        new_tokens: In mode ``graft``: how many tokens to add; those that save most come first. By default all
            that occur 20 times and save a hundred-thousandth of the text's tokens. Without --adapt-tokens,
            they save at most a twentieth in total, and a model that predicts the next token gets none.
        save: In mode ``graft``: the share of the text's tokens to save, with as few new tokens as possible;
            0.1 or 10%.
        language_tokens: In modes ``trim`` and ``graft``: how many tokens to keep that the corpus does not
            use but that a classifier on the source's embeddings assigns to its language; by default up to
            10,000, and all tokens of a script that few languages share. 0 for none.
        keep_script: In modes ``trim`` and ``graft``: scripts whose tokens are all kept, such as Arabic.
        minimum_count: In modes ``trim`` and ``graft``: keep tokens with at least this number of occurrences.
        coverage: In modes ``trim`` and ``graft``: keep the most frequent tokens that make up this share of
            the text.
        max_loss: In modes ``trim`` and ``graft``: keep the fewest tokens that change the segmentation of at
            most this share of the held-out lines.
        weights: In mode ``trim``: the weight of each CORPUS relative to the others, whatever its length; one
            number each. By default every token of the text counts the same.
        keep_text: Texts that are segmented as by the source, whatever the corpus (in mode ``replace``: texts
            whose tokens are kept), in addition to the prompts, prefixes and chat templates in the model's
            files.
        keep_tokens: File of tokens, or texts, to keep, one per line.
        accept_difference: In modes ``trim``, ``extend`` and ``graft``: write the model even if its outputs on
            texts of kept tokens were not shown to equal the source's.
        method: How the embeddings of missing tokens are initialized: blend, regression, focus,
            focus-reference, subword, wechsel, clp, ofa, omp, alignment, script, random, mean, zero, or one of
            yours. ``auto``, the default, is regression in modes ``graft`` and ``extend`` if the model is an
            encoder without an output head, such as a sentence encoder, and blend otherwise.
        method_options: Settings of the method, by the names of its fields.
        norm_calibration: How far to lengthen weighted means, which are shorter than their parents: 0 not at
            all, 1 as if parents were independent.
        vectors: What makes the auxiliary vectors: cooccurrence, fasttext, fasttext-skipgram, words,
            characters, model, contextual, or a file with vectors for the target tokenizer.
        vectors_options: Settings of the engine, by the names of its fields.
        base_model: Name of the source model on the hub, owner/name, for the model card, if it is a folder.
        adapt_tokens: Number of tokens of the corpus on which to continue pretraining the new model, or
            ``auto`` for the default of `adapt`; by default none.
        adapt_options: Settings of that training, with the option names of ``adapt``.
    """

    mode: VocabularyOption[MODE] = "graft"
    vocabulary_size: VocabularyOption[TokenCount | None] = None
    target_tokenizer: VocabularyOption[str | None] = None
    add_tokens: VocabularyOption[TokenCount | None] = None
    new_tokens: VocabularyOption[TokenCountOrZero | None] = None
    save: Annotated[VocabularyOption[float | None], Parameter(converter=_share)] = None
    language_tokens: VocabularyOption[TokenCountOrZero | None] = None
    keep_script: VocabularyOption[tuple[str, ...]] = ()
    minimum_count: VocabularyOption[Weight] = 1
    coverage: VocabularyOption[Share | None] = None
    max_loss: VocabularyOption[Share | None] = None
    weights: VocabularyOption[tuple[float, ...]] = ()
    keep_text: VocabularyOption[tuple[str, ...]] = ()
    keep_tokens: VocabularyOption[str | None] = None
    accept_difference: VocabularyOption[bool] = False
    method: InitializationOption[str] = AUTO
    method_options: InitializationOption[dict[str, Any]] = field(default_factory=dict)
    norm_calibration: InitializationOption[Share] = 0.0
    vectors: InitializationOption[str] = "cooccurrence"
    vectors_options: InitializationOption[dict[str, Any]] = field(default_factory=dict)
    base_model: ModelOption[str | None] = None
    adapt_tokens: TrainingOption[Count | Literal["auto"] | None] = None
    adapt_options: TrainingOption[dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            SettingError: If a value is of another type than its field's, or a number is too small.
        """
        super().__post_init__()
        self._check_modes()
        if self.weights:
            self._check_weights()
        self._check_training()
        self._check_graft()
        check_described(None, self.base_model)
        if self.target_tokenizer and self.mode == "trim":
            raise SettingError("--mode trim keeps the source's own tokens: leave out --target-tokenizer")
        rules = [
            name for name in ("vocabulary_size", "coverage", "max_loss") if getattr(self, name) is not None
        ]
        if self.mode in ("trim", "graft") and len(rules) > 1:
            given = " and ".join(f"--{name.replace('_', '-')}" for name in rules)
            raise SettingError(f"tokens are kept by one rule, got {given}: give only one")

    def _check_modes(self) -> None:
        """Refuse options that belong to another mode."""
        for name, modes in self._outside(REFUSED_OUTSIDE):
            raise SettingError(f"{name} is for --mode {modes}, got --mode {self.mode}: leave it out")

    def _outside(self, modes_of: Mapping[str, Sequence[MODE]]) -> Iterator[tuple[str, str]]:
        """Give the options that were given though the mode does not have them, and the modes that do."""
        for option in dataclasses.fields(self):
            modes = modes_of.get(option.name, (self.mode,))
            given = getattr(self, option.name)
            if self.mode not in modes and given and given != default_of(option):  # 0 asks for nothing
                names = f"{', '.join(modes[:-1])} and {modes[-1]}" if len(modes) > 1 else modes[0]
                yield f"--{option.name.replace('_', '-')}", names

    @property
    def ignored(self) -> list[str]:
        """What was given and does nothing, a sentence each."""
        sentences = [
            f"{name} is for --mode {modes} and does nothing in --mode {self.mode}"
            for name, modes in self._outside(IGNORED_OUTSIDE)
        ]
        if self.target_tokenizer and self.mode in ("replace", "extend") and self.vocabulary_size is not None:
            sentences.append(
                "--vocabulary-size is for a tokenizer that is trained and does nothing with a"
                " --target-tokenizer"
            )
        if self.mode == "graft" and self.new_tokens == 0:
            given = ("method", "method_options", "norm_calibration", "vectors", "vectors_options")
            defaults = {field.name: field.default for field in fields(self)}
            names = [name for name in given if getattr(self, name) not in (defaults[name], {})]
            sentences += [f"--{name.replace('_', '-')} does nothing with --new-tokens 0" for name in names]
        return sentences + (list(self.adaptation[1].ignored) if self.adaptation else [])

    def _check_graft(self) -> None:
        """Refuse numbers of new tokens that make no sense."""
        if self.new_tokens is not None and self.save is not None:
            raise SettingError("--new-tokens and --save set the same thing in two ways: give only one")
        if self.save is not None:
            _check_share(self.save, str(self.save))
        size = self.vocabulary_size
        if self.new_tokens is not None and size is not None and self.new_tokens >= size:
            raise SettingError(
                f"--new-tokens {self.new_tokens} leave no room for the source's tokens in --vocabulary-size "
                f"{size}: give fewer new tokens or a larger size"
            )

    def _check_weights(self) -> None:
        """Refuse weights that would do nothing, or could not be shares of a text."""
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
                f"--adapt-options ({given}) are for a training, but none is requested: give --adapt-tokens"
            )
        _ = self.adaptation  # refuses options that are unknown, or of another type

    @property
    def adaptation(self) -> tuple[AdaptSettings, TrainingSettings] | None:
        """What the new model is to learn and how, from ``adapt_options``; ``None`` without a training."""
        if self.adapt_tokens is None:
            return None
        names = {name: name.replace("-", "_") for name in self.adapt_options}
        own_names = ("objective", "objective_options", "attention")
        own = {names[name]: value for name, value in self.adapt_options.items() if names[name] in own_names}
        options = {name: value for name, value in self.adapt_options.items() if names[name] not in own_names}
        shared = {field.name: getattr(self, field.name) for field in dataclasses.fields(RunSettings)}
        tokens = None if self.adapt_tokens == "auto" else self.adapt_tokens
        training = build(TrainingSettings, options | {"tokens": tokens}, "--adapt-options")
        return AdaptSettings(**own, **shared), training

    @property
    def size(self) -> int:
        """Size of a trained vocabulary."""
        return self.vocabulary_size or TRAINED_SIZE
