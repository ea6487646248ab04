"""Which mode and size to choose, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

ENOUGH_BYTES = 20_000_000
"""About 5 million tokens. With less text, a replaced vocabulary can end up behind the original one."""
WORTHWHILE = 0.9
"""A new vocabulary should save at least a tenth of the tokens."""
GOOD_ENOUGH = 1.03
"""A smaller vocabulary is preferred if it needs no more tokens than this, compared with the best."""


class Candidate(Protocol):
    """What the advice looks at (see ``planning.Option``)."""

    @property
    def vocabulary(self) -> int: ...  # noqa: D102 - as in Option
    @property
    def relative_tokens(self) -> float: ...  # noqa: D102 - as in Option


@dataclass(frozen=True)
class Advice:
    """A recommendation.

    Attributes:
        option: Name of the option.
        reason: Why, in one sentence.
        flags: How to ask `specialize` for it.
    """

    option: str
    reason: str
    flags: str


def advise(options: Mapping[str, Candidate], corpus_bytes: int) -> Advice:
    """Choose among options by a few rules that the reason names.

    A trimmed model does exactly what the original does, so it is advised unless a vocabulary of the
    language's own would save a good part of the tokens, and there is enough text to train the embeddings.

    Args:
        options: The options tried, by name; ``trim`` is always among them.
        corpus_bytes: Size of the whole corpus.
    """
    trim = Advice("trim", "", "--mode trim")
    replacing = {name: option for name, option in options.items() if name.startswith("replace")}
    if not replacing:
        return Advice(trim.option, "the text is too small to train a vocabulary on", trim.flags)
    best = min(option.relative_tokens for option in replacing.values())
    saved = f"a vocabulary of the language's own would save {max(0.0, 1 - best):.0%} of the tokens"
    if best > WORTHWHILE:
        return Advice(trim.option, f"{saved}: not worth training new embeddings for", trim.flags)
    if corpus_bytes < ENOUGH_BYTES:
        reason = f"{saved}, but {corpus_bytes / 1e6:.1f} MB of text are little to train new embeddings with"
        return Advice(trim.option, reason, trim.flags)
    name, option = next(
        (name, option) for name, option in replacing.items() if option.relative_tokens <= GOOD_ENOUGH * best
    )
    flags = f"--mode replace --vocabulary-size {option.vocabulary}"
    return Advice(name, f"{saved}, and there is enough text to train the new embeddings", flags)
