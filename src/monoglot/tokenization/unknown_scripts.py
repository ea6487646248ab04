"""Scripts of a text that a vocabulary has no token of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from monoglot.tokenization.spelling import COMMON, script_of
from monoglot.tokenization.vocabulary import Vocabulary

LEAST_SHARE = 0.05
"""Of the text's letters; rarer scripts are quotations."""


def unknown_scripts(vocabulary: Vocabulary, lines: Iterable[str]) -> dict[str, float]:
    """Find the scripts that make up a good part of a text and none of whose letters is in any token.

    A vocabulary may spell them in bytes, or read them as its unknown token.

    Args:
        vocabulary: The vocabulary.
        lines: The text.

    Returns:
        Each script with its share of the text's letters, the most frequent first.
    """
    letters: Counter[str] = Counter()
    for line in lines:
        letters.update(line)
    by_script: dict[str, list[str]] = {}
    for letter in letters:
        if (script := script_of(letter)) != COMMON:
            by_script.setdefault(script, []).append(letter)
    totals = {script: sum(letters[one] for one in found) for script, found in by_script.items()}
    everything = sum(totals.values())
    frequent = [script for script, total in totals.items() if total > LEAST_SHARE * everything]
    if not frequent:
        return {}
    known = set("".join(token.form.decode(errors="ignore") for token in vocabulary.tokens))
    unknown = [script for script in frequent if known.isdisjoint(by_script[script])]
    return {script: totals[script] / everything for script in sorted(unknown, key=lambda name: -totals[name])}
