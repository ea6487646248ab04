"""What things are called where there is little room, and which colour each has."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

PROVENANCE_COLORS: Mapping[str, int] = {
    "copied": 0,
    "method": 1,
    "subword": 2,
    "script": 4,
    "mean": 3,
    "noise": 5,
    "unused": 6,
}
"""Numbers of the colours in ``palette.css``, in the order in which provenances are shown."""

_PROVENANCE_NAMES = {
    "copied": "copied",
    "method": "mixed by {method}",
    "subword": "mean of pieces",
    "script": "mean of script",
    "mean": "mean row",
    "noise": "noise",
    "unused": "unused id",
}

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
    "adapted": "training",
    "training": "training's record",
}


def provenance_name(provenance: str, method: str) -> str:
    """What a provenance is called on the page.

    Args:
        provenance: ``Provenance`` in lower case.
        method: The initialisation method.
    """
    return _PROVENANCE_NAMES[provenance].format(method=method.upper() if method == "focus" else method)


def file_size(size_bytes: float) -> str:
    """Bytes in the unit that fits."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes:.0f} bytes"


def duration(seconds: float) -> str:
    """Seconds in hours and minutes, where there are such."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{seconds:.1f} s"


def shell_lines(words: Sequence[str], width: int = 80) -> str:
    """Write a command for a shell: on one line if there is room, else each option on its own.

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
