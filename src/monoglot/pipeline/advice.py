"""Which of the vocabularies that `plan` tried is advised, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Candidate(Protocol):
    """The figures of an option that the advice looks at."""

    @property
    def vocabulary(self) -> int: ...  # noqa: D102 - as in Option
    @property
    def relative_tokens(self) -> float: ...  # noqa: D102 - as in Option
    @property
    def distance(self) -> float | None: ...  # noqa: D102 - as in Option


@dataclass(frozen=True)
class Advice:
    """A recommendation with its reason.

    Attributes:
        option: Name of the option.
        reason: Why, in one sentence.
        flags: How to ask `specialize` for it.
    """

    option: str
    reason: str
    flags: str


WORTHWHILE = 0.9
"""A new vocabulary should save at least a tenth of the tokens."""
ENOUGH_BYTES = 20_000_000
"""About 5 million tokens. With less text, a replaced vocabulary can end up behind the original one."""
GOOD_ENOUGH = 1.03
"""A smaller vocabulary is preferred if it needs no more tokens than this, compared with the best."""


WORTH_A_GRAFT = 0.02
"""New tokens should save at least this share of the text's tokens."""
LEAST_SAVED_BY_EACH = 1e-5
"""A larger graft is advised as long as each further token saves this share of the tokens; as
`monoglot.tokenization.graft.LEAST_SAVED`, but measured on held-out text."""


MOST_LOST = 0.02
"""Bits per byte that new tokens may cost a language model before training. In 50,000 tokens of training a
decoder regained little more than half of what they cost, most of it at the beginning (docs/decoders.md)."""


def advise(options: Mapping[str, Candidate], corpus_bytes: int, *, in_bits: bool = False) -> Advice:
    """Choose among options by a few rules.

    A graft is advised if its new tokens save a part of the text: most of the text is in tokens that are as
    they were, so that little or no training is needed. Else a trimmed model is, which does exactly what the
    original does, unless a vocabulary trained for the language would save a good part of the tokens, and
    there is enough text to train the embeddings.

    Args:
        options: The options tried, by name; ``trim`` is always among them.
        corpus_bytes: Size of the whole corpus.
        in_bits: Whether distances are bits per byte: new tokens have to be predicted, and no graft is advised
            if the smallest one costs much.
    """
    trim = Advice("trim", "", "--mode trim")
    if in_bits and (reason := _costly(options)):
        return Advice(trim.option, reason, trim.flags)
    if (graft := _best_graft(options)) is not None:
        return graft
    replacing = {name: option for name, option in options.items() if name.startswith("replace")}
    if not replacing:
        return Advice(trim.option, "the text is too small to train a vocabulary on", trim.flags)
    best = min(option.relative_tokens for option in replacing.values())
    saved = f"a vocabulary trained for the language would save {max(0.0, 1 - best):.0%} of the tokens"
    if best > WORTHWHILE:
        return Advice(trim.option, f"{saved}: not worth training new embeddings for", trim.flags)
    if corpus_bytes < ENOUGH_BYTES:
        reason = f"{saved}, but {corpus_bytes / 1e6:.1f} MB of text are too little to train new embeddings"
        return Advice(trim.option, reason, trim.flags)
    name, option = next(
        (name, option) for name, option in replacing.items() if option.relative_tokens <= GOOD_ENOUGH * best
    )
    flags = f"--mode replace --vocabulary-size {option.vocabulary}"
    return Advice(name, f"{saved}, and there is enough text to train the new embeddings", flags)


def _costly(options: Mapping[str, Candidate]) -> str:
    """Say what the smallest graft costs a language model; empty where that is little, or not known."""
    trimmed = options["trim"]
    grafts = [(name, option) for name, option in options.items() if name.startswith("graft")]
    name, smallest = min(grafts, key=lambda named: named[1].vocabulary, default=("", trimmed))
    if smallest.distance is None or trimmed.distance is None:
        return ""
    lost = smallest.distance - trimmed.distance
    if lost <= MOST_LOST:
        return ""
    saved = trimmed.relative_tokens - smallest.relative_tokens
    return (
        f"{name} saves {saved:.1%} of the tokens and costs {lost:.3f} bits per byte before training, and "
        "a short training recovers only part of that; with a million tokens of training or more, try it too"
    )


def _best_graft(options: Mapping[str, Candidate]) -> Advice | None:
    """Give the largest graft each of whose further tokens pays; ``None`` if none saves enough."""
    trimmed = options["trim"]
    chosen, before = None, trimmed
    grafts = [(name, option) for name, option in options.items() if name.startswith("graft")]
    for name, option in sorted(grafts, key=lambda named: named[1].vocabulary):
        added = option.vocabulary - before.vocabulary
        if before.relative_tokens - option.relative_tokens < LEAST_SAVED_BY_EACH * added:
            break
        chosen, before = name, option
    saved = trimmed.relative_tokens - before.relative_tokens
    if chosen is None or saved < WORTH_A_GRAFT:
        return None
    added = before.vocabulary - trimmed.vocabulary
    at = "" if before.distance is None else f" at a measured distance of {before.distance:.4f}"
    reason = (
        f"{added:,} new tokens save {saved:.1%} of the tokens{at}, and the rest of the text keeps tokens "
        "that the model knows; a larger graft would cost more in parameters than it saves in tokens. "
        "Train it afterwards, or add fewer tokens"
    )
    return Advice(chosen, reason, f"--mode graft --new-tokens {added}")
