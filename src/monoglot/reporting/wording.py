"""Tokens as people can read them, and the names and colors that the report uses."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Mapping, Sequence

from monoglot.tokenization.token_forms import BYTE_OF

PICTURES = 0x2400
"""Unicode has a picture of each control character from here on."""
DELETE, DELETE_PICTURE = 0x7F, 0x2421
INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiners: beside letters they are spelling, in Persian and Hindi above all."""


def readable(text: str, *, byte_level: bool) -> str:
    """Write a token for people: text for bytes, pictures for control characters.

    Args:
        text: The token as the vocabulary writes it.
        byte_level: Whether its characters stand for bytes (``fÃ¼r``).
    """
    if not byte_level or any(character not in BYTE_OF for character in text):
        return pictured(text)
    form = bytes(BYTE_OF[character] for character in text)
    try:
        decoded = form.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in form)
    return pictured(f"Ġ{decoded[1:]}" if decoded.startswith(" ") else decoded)


def pictured(text: str) -> str:
    """Replace what can't be seen or would change the direction of its surroundings."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    code = ord(character)
    if character in JOINERS or character == " " or unicodedata.category(character) not in INVISIBLE:
        return character
    if code < ord(" "):
        return chr(PICTURES + code)
    return chr(DELETE_PICTURE) if code == DELETE else f"⟨U+{code:04X}⟩"


PROVENANCE_COLORS: Mapping[str, int] = {
    "copied": 0,
    "method": 1,
    "subword": 2,
    "script": 4,
    "mean": 3,
    "noise": 5,
    "unused": 6,
}
"""Numbers of the colors in ``palette.css``, in the order in which provenances are shown."""

_PROVENANCE_NAMES = {
    "copied": "copied",
    "method": "initialized by {method}",
    "subword": "mean of pieces",
    "script": "mean of script",
    "mean": "mean row",
    "noise": "random",
    "unused": "unused id",
}

PROVENANCE_MEANINGS = {
    "copied": "the source has the same token; its row is unchanged",
    "method": "a weighted mean of rows of the source's tokens; regression adds a correction to most",
    "subword": "the mean of the source tokens that it was segmented into before",
    "script": "the mean of frequent source tokens of the same script",
    "mean": "the mean of all source rows, because there was no other evidence",
    "noise": "drawn from a normal distribution around the mean of the source rows",
    "unused": "an id without a token, which pads the table",
}
"""How the rows of each provenance are made."""

STAGES = {
    "corpus": "reading the corpus",
    "usage": "counting source tokens",
    "language": "the language's own tokenizer",
    "tokenizer": "tokenizer",
    "overlap": "matching tokens",
    "language-tokens": "corpus in the language's tokens",
    "tokens": "corpus in tokens",
    "vectors": "auxiliary vectors",
    "mixture": "mixtures",
    "model": "transplant",
    "proof": "proof",
    "scores": "scores",
    "quality": "quality compared with the original",
    "adapted": "training",
    "training": "training's record",
}


METHOD_NAMES = {"focus": "FOCUS", "regression": "blend and regression"}
"""Methods that are named otherwise where their rows are."""


def provenance_name(provenance: str, method: str) -> str:
    """Give the name of a provenance on the page.

    Args:
        provenance: ``Provenance`` in lower case.
        method: The initialization method.
    """
    return _PROVENANCE_NAMES[provenance].format(method=METHOD_NAMES.get(method, method))


def file_size(size_bytes: float) -> str:
    """Format bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes:.0f} bytes"


def relative(before: float, after: float) -> str:
    """Give the change in percent, with a true minus sign; empty if there was nothing."""
    return f"{(after - before) / before:+.1%}".replace("-", "−") if before else ""


def points(before: float, after: float) -> str:
    """Give the difference of two shares in percentage points; empty if there is none."""
    difference = 100 * (after - before)
    return f"{difference:+.3f} points".replace("-", "−") if difference else ""


def millions(parameters: int) -> str:
    """Format a number of parameters: ``34.9M``."""
    for factor, unit in ((1e9, "B"), (1e6, "M")):
        if parameters >= factor:
            return f"{parameters / factor:.1f}{unit}"
    return f"{parameters:,}"


def duration(seconds: float) -> str:
    """Format seconds."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{seconds:.1f} s"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: ``1 step``, ``2,000 steps``."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def listed(names: Sequence[str]) -> str:
    """Join names as in a sentence: ``a, b and c``."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def shell_lines(words: Sequence[str], width: int = 80) -> str:
    """Write a command for a shell, on one line or with one option per line.

    Args:
        words: The words of the command line.
        width: Characters of a line.
    """
    whole = shlex.join(words)
    if len(whole) <= width:
        return whole
    starts = [i for i, word in enumerate(words) if i == 0 or word.startswith("--")]
    ends = [*starts[1:], len(words)]
    return " \\\n    ".join(shlex.join(words[start:end]) for start, end in zip(starts, ends, strict=True))
