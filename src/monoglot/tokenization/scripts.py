"""The script that a text is written in."""

from __future__ import annotations

import unicodedata
from functools import cache

COMMON = "none"
"""The script of texts without letters: digits, punctuation, symbols, modifiers."""

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
    scripts = list(map(_letter_script, unicodedata.normalize("NFKC", text)))
    found = dict.fromkeys(script for script in scripts if script != COMMON)
    return max(found, key=scripts.count, default=COMMON)


@cache
def _letter_script(character: str) -> str:
    if unicodedata.category(character)[0] not in "LM":
        return COMMON
    first = unicodedata.name(character, "").partition(" ")[0].partition("-")[0].title()
    return COMMON if not first or first in _NO_SCRIPTS else _RENAMED.get(first, first)
