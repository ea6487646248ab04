"""Chooses held-out lines by a hash of their content, so that neither order nor duplicates matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

MOST_LINES = 2_000
MOST_BYTES = 8_000_000
USUAL_SHARE = 100
"""One line in so many is held out …"""
SMALL_CORPUS_SHARE = 10
SMALL_CORPUS_LINES = 100
"""… but up to this many lines of a small corpus, as long as it is no more than one line in ten."""
CANDIDATES = 20_000
NOTHING = -1
_KEYS = 2**64


def line_key(line: bytes) -> int:
    """A number from 0 to 2⁶⁴ - 1 that depends on nothing but the content of the (UTF-8) line."""
    return int.from_bytes(blake2b(line, digest_size=8).digest(), "big")


@dataclass(slots=True)
class LineGroup:
    """All copies of one line."""

    copies: int
    words: int
    bytes: int


@dataclass
class HeldoutChoice:
    """Choose the distinct lines with the smallest keys, in one pass and bounded memory."""

    _groups: dict[int, LineGroup] = field(default_factory=dict)
    _ceiling: int = _KEYS

    def see(self, key: int, words: int, size_bytes: int) -> None:
        """Take note of a line."""
        if key >= self._ceiling:
            return
        group = self._groups.get(key)
        if group:
            group.copies += 1
            return
        self._groups[key] = LineGroup(1, words, size_bytes)
        if len(self._groups) >= 2 * CANDIDATES:
            kept = sorted(self._groups)[:CANDIDATES]
            self._ceiling = kept[-1] + 1
            self._groups = {key: self._groups[key] for key in kept}

    def choose(self, lines: int) -> tuple[int, list[LineGroup]]:
        """Decide, after all lines were seen.

        Args:
            lines: How many lines were seen.

        Returns:
            The largest key that is held out, or ``NOTHING``, and the lines held out by that.
        """
        distinct = len(self._groups) if self._ceiling == _KEYS else lines
        wanted = max(distinct // USUAL_SHARE, min(SMALL_CORPUS_LINES, distinct // SMALL_CORPUS_SHARE))
        wanted = min(MOST_LINES, max(wanted, 1 if distinct > 1 else 0))
        limit, size_bytes = NOTHING, 0
        chosen: list[LineGroup] = []
        for key in sorted(self._groups)[:wanted]:
            group = self._groups[key]
            size_bytes += group.bytes
            if chosen and size_bytes > MOST_BYTES:
                break
            limit = key
            chosen.append(group)
        return limit, chosen
