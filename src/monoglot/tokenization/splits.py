"""How a tokenizer's model segments the text of a token that it does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from monoglot.tokenization.extend import best_split
from monoglot.tokenization.tokenizer_json import Merge


class Split(Protocol):
    """How the text of a token is segmented where the token itself is not in the vocabulary."""

    def __call__(self, text: str, removed: Collection[str]) -> tuple[str, ...]:
        """Give the pieces, without those removed."""


def unigram_split(scores: Mapping[str, float]) -> Split:
    """Segment by the highest sum of scores, in two or more pieces."""
    return lambda text, removed: best_split(text, scores, removed)[1]


def wordpiece_split(known: Collection[str], prefix: str) -> Split:
    """Segment by the longest match from the left, in two or more pieces."""

    def split(text: str, removed: Collection[str]) -> tuple[str, ...]:
        mark = prefix if text.startswith(prefix) else ""
        rest, pieces = text[len(mark) :], []
        while rest:
            for end in range(len(rest), 0, -1):
                piece = mark + rest[:end]
                if piece != text and piece in known and piece not in removed:
                    break
            else:
                return ()
            pieces.append(piece)
            rest, mark = rest[end:], prefix
        return tuple(pieces)

    return split


def bpe_split(merges: Iterable[Merge]) -> Split:
    """Undo the first merge that makes a token."""
    parts: dict[str, Merge] = {}
    for pair in merges:
        parts.setdefault("".join(pair), pair)
    return lambda text, removed: parts.get(text, ())
