"""Counts the words of a text of any length in bounded memory, always with the same result."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from monoglot.progress import SILENT, Progress

LONGEST_PART_CHARACTERS = 10_000
LONGEST_WORD_CHARACTERS = 1_000
MOST_WORDS = 4_000_000


def parts_of(
    lines: Iterable[str], longest_characters: int = LONGEST_PART_CHARACTERS, *, progress: Progress = SILENT
) -> Iterator[str]:
    """Split lines that are too long into parts, at whitespace if there is any; others pass as they are."""
    with progress.task("reading text") as advance:
        for line in lines:
            advance(1)
            yield from (part for part, _ in cut_line(line, longest_characters))


def cut_line(line: str, longest: int) -> Iterator[tuple[str, bool]]:
    """Split a very long line into pieces, before a space where there is one; together they are the line.

    Yields:
        Each piece, and whether the line ends with it.
    """
    start = 0
    while len(line) - start > longest:
        end = line.rfind(" ", start + 1, start + longest)
        end = end if end > 0 else start + longest
        yield line[start:end], False
        start = end
    yield line[start:] if start else line, True


def count_words(
    lines: Iterable[str], *, most_words: int = MOST_WORDS, progress: Progress = SILENT
) -> Counter[str]:
    """Count the words between whitespace.

    Where there are more than ``most_words`` different ones, the rarer half is forgotten, as often as needed.
    """
    counts: Counter[str] = Counter()
    for part in parts_of(lines, progress=progress):
        for word in part.split():
            for start in range(0, len(word), LONGEST_WORD_CHARACTERS):
                counts[word[start : start + LONGEST_WORD_CHARACTERS]] += 1
        if len(counts) > most_words:
            counts = Counter(dict(_by_frequency(counts)[: most_words // 2]))
    return counts


def most_frequent(counts: Mapping[str, int], most_characters: int) -> dict[str, int]:
    """Give the most frequent words, of ``most_characters`` characters together at most, in a stable order."""
    if sum(map(len, counts)) <= most_characters:
        return dict(sorted(counts.items()))
    kept: dict[str, int] = {}
    characters = 0
    for word, count in _by_frequency(counts):
        characters += len(word)
        if characters > most_characters:
            break
        kept[word] = count
    return dict(sorted(kept.items()))


def covered_characters(counts: Mapping[str, int], coverage: float) -> set[str]:
    """Give the most frequent characters that together make up this share of the text."""
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    wanted = coverage * characters.total()
    covered: set[str] = set()
    total = 0
    for character, count in sorted(characters.items(), key=lambda item: (-item[1], item[0])):
        if total >= wanted:
            break
        covered.add(character)
        total += count
    return covered


def _by_frequency(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    # Ties are broken by a checksum: by text, only the start of the alphabet would be left of rare words.
    return sorted(counts.items(), key=lambda item: (-item[1], zlib.crc32(item[0].encode()), item[0]))
