"""The scripts of texts, and those of a text that a vocabulary has no token of."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from monoglot.errors import SettingError

if TYPE_CHECKING:
    from monoglot.tokenization.vocabulary import Vocabulary

COMMON = "none"
"""The script of texts without letters: digits, punctuation, symbols, modifiers."""

_ASCII_LETTER = re.compile("[A-Za-z]")
_RENAMED = {"Cjk": "Han"}
_NO_SCRIPTS = {
    "Combining",
    "Modifier",
    "Feminine",
    "Masculine",
    "Micro",
    "Superscript",
    "Subscript",
    "Double",
}


def script_of(text: str) -> str:
    """Tell the script of most letters of a text, the first one where several are as frequent.

    Python has no table of Unicode scripts, but the names of letters begin with theirs (``CYRILLIC SMALL
    LETTER A``). Compatibility forms (full width, mathematical letters) count as what they stand for.

    Returns:
        The script's English name (``Latin``, ``Han``), or ``none`` if there is no letter.
    """
    if text.isascii():  # half of a vocabulary
        return "Latin" if _ASCII_LETTER.search(text) else COMMON
    scripts = list(map(_letter_script, unicodedata.normalize("NFKC", text)))
    found = dict.fromkeys(scripts)
    found.pop(COMMON, None)
    if len(found) == 1:  # nearly always
        return next(iter(found))
    return max(found, key=scripts.count, default=COMMON)


@cache
def _letter_script(character: str) -> str:
    if unicodedata.category(character)[0] not in "LM":
        return COMMON
    first = unicodedata.name(character, "").partition(" ")[0].partition("-")[0].title()
    return COMMON if not first or first in _NO_SCRIPTS else _RENAMED.get(first, first)


MOST_LETTERS = 0x30000
"""All later letters of Unicode are Han."""
LIKE = 0.75
"""How like a name of a script is to be suggested, from 0 to 1."""
USUAL = ("Arabic", "Cyrillic", "Devanagari", "Greek", "Han", "Hebrew", "Latin", "Thai")
"""Names that are given as examples."""


def check_script_names(names: Iterable[str]) -> None:
    """Refuse names of scripts that `script_of` gives to no text, before any vocabulary is read.

    Raises:
        SettingError: If there is one, with the name that is most like it if there is one.
    """
    letters = map(chr, range(MOST_LETTERS))
    known = {_letter_script.__wrapped__(letter) for letter in letters} - {COMMON} if names else set()
    for name in names:
        if name not in known:
            # All names would fill a screen, and some, such as Kelvin, are of symbols.
            close = get_close_matches(name.capitalize(), known, n=1, cutoff=LIKE)
            advice = f"did you mean '{close[0]}'?" if close else f"give {', '.join(USUAL)} or another"
            raise SettingError(f"--keep-script: there is no script '{name}': {advice}")


def scripts_of(vocabulary: Vocabulary) -> frozenset[str]:
    """Give the scripts of all tokens of a vocabulary."""
    return frozenset(script_of(token.form.decode(errors="ignore")) for token in vocabulary.tokens)


def check_scripts(asked: Iterable[str], known: Collection[str]) -> None:
    """Refuse scripts that no token of a vocabulary is in.

    Args:
        asked: Names of the scripts.
        known: Those of the vocabulary's tokens.

    Raises:
        SettingError: If there is one.
    """
    if unknown := sorted(set(asked).difference(known) | {COMMON}.intersection(asked)):
        names = ", ".join(sorted(set(known) - {COMMON}))
        raise SettingError(
            f"--keep-script {unknown[0]}: the source has no token of a script of that name; it has {names}"
        )


UNSPACED_SCRIPTS = frozenset(
    {"Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Javanese"}
)
"""Scripts that don't put spaces between words."""
LEAST_SHARE = 0.05
"""Of the text's letters; rarer scripts are quotations."""


def unknown_scripts(vocabulary: Vocabulary, lines: Iterable[str]) -> dict[str, float]:
    """Find the scripts that make up a good part of a text and none of whose letters is in any token.

    A vocabulary may write them in bytes, or read them as its unknown token.

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
