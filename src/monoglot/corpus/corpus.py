"""The corpus of a run: training lines, held-out lines, and statistics of both."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

from monoglot.corpus.files import TextFile, TextSource, copied, could_be_hub_name, find_files, is_stream
from monoglot.corpus.heldout import NOTHING, HeldoutChoice, line_key
from monoglot.corpus.hub import HubDataset
from monoglot.errors import CorpusError
from monoglot.progress import SILENT, Advance, Progress

SLICE_CHARACTERS = 1 << 20


def _ignore(amount: float) -> None:
    """Advance nothing."""


@dataclass(frozen=True)
class CorpusStatistics:
    """What a corpus amounts to; words are what stands between white space, bytes are UTF-8 without line ends.

    Attributes:
        lines: Training lines.
        words: Words in them.
        bytes: Bytes in them.
        heldout_lines: Distinct held-out lines.
        heldout_words: Words in them.
        heldout_bytes: Bytes in them.
        heldout_limit: The largest content key that is held out; -1 if none is, or if the user gave the lines.
    """

    lines: int
    words: int
    bytes: int
    heldout_lines: int
    heldout_words: int
    heldout_bytes: int
    heldout_limit: int


class Corpus:
    """Lines of text, stripped and not empty, that can be read any number of times, always in the same order.

    About 1% of the distinct lines (at most 2,000 lines and 8 MB; up to a tenth of a tiny corpus) are held
    out, chosen by a hash of their content, unless the user brings held-out text. No line is in both parts.

    Attributes:
        lowercase: Whether text is read in lower case, as some models get it; set before the first reading.
        repeated_lines: How many lines were left out when they were counted, because the user's held-out text
            has them.
    """

    def __init__(
        self,
        sources: Sequence[TextSource],
        heldout: Sequence[TextSource] = (),
        part_sizes: Sequence[int] = (),
    ) -> None:
        self.sources = tuple(sources)
        self.heldout = tuple(heldout)
        self._part_sizes = tuple(part_sizes) or (len(self.sources),)
        self.lowercase = False
        self.repeated_lines = 0
        self._statistics: CorpusStatistics | None = None
        self._fingerprint: str | None = None

    def statistics(self, progress: Progress = SILENT) -> CorpusStatistics:
        """Count lines, words and bytes, and choose the held-out lines, in one pass; the answer is kept.

        Raises:
            CorpusError: No text at all, or text that can't be read.
        """
        if self._statistics is None:
            sizes = [source.size_bytes for source in self.sources]
            total = None if None in sizes else float(sum(size or 0 for size in sizes))
            with progress.task("reading the corpus", total) as advance:
                self._statistics = self._count(advance)
        return self._statistics

    def remember(self, statistics: CorpusStatistics) -> None:
        """Take over statistics that were counted before, which spares a pass over the text."""
        self._statistics = statistics

    @property
    def parts(self) -> tuple[tuple[TextSource, ...], ...]:
        """The sources of each input, in the order in which the user named them."""
        sources = iter(self.sources)
        return tuple(tuple(islice(sources, size)) for size in self._part_sizes)

    def lines(self, part: Sequence[TextSource] | None = None) -> Iterator[str]:
        """Read the training lines, of all sources or of some."""
        is_heldout = self._heldout_keys()
        for line in self._lines(self.sources if part is None else part):
            if line_key(line.encode()) not in is_heldout:
                yield line

    def heldout_lines(self, part: Sequence[TextSource] | None = None) -> Iterator[str]:
        """Read the held-out lines, each once even if the text repeats it; all, or those of some sources."""
        is_heldout = self._heldout_keys()
        seen = set()
        for line in self._lines((self.heldout or self.sources) if part is None else part):
            key = line_key(line.encode())
            if key in is_heldout and key not in seen:
                seen.add(key)
                yield line

    def all_lines(self) -> Iterator[str]:
        """Read every line, those that would be held out from training too."""
        return self._lines(self.sources)

    def fingerprint(self) -> str:
        """A hash of all that decides which lines there are, and which of them are held out."""
        if self._fingerprint is None:
            parts = [source.fingerprint() for source in (*self.sources, *self.heldout)]
            text = f"{len(self.sources)}\n" + "\n".join(parts) + "\nlower case" * self.lowercase
            self._fingerprint = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return self._fingerprint

    def _lines(self, sources: Iterable[TextSource], advance: Advance = _ignore) -> Iterator[str]:
        """All lines of some sources; a text of several lines (a document) gives several."""
        for source in sources:
            for text in source.texts(advance):
                # Crashes and conversions leave NUL bytes behind; they end strings in C code further on.
                text = text.replace("\0", "").strip()
                text = text.lower() if self.lowercase else text
                if "\n" not in text:
                    if text:
                        yield text
                    continue
                for line in text.split("\n"):
                    if stripped := line.strip():
                        yield stripped

    def _heldout_keys(self) -> Container[int]:
        if self.heldout:
            return {line_key(line.encode()) for line in self._lines(self.heldout)}
        return range(self.statistics().heldout_limit + 1)

    def _count(self, advance: Advance) -> CorpusStatistics:
        excluded = self._heldout_keys() if self.heldout else ()
        choice = HeldoutChoice()
        lines = words = size_bytes = self.repeated_lines = 0
        for line in self._lines(self.sources, advance):
            encoded = line.encode()
            key = line_key(encoded)
            if key in excluded:
                self.repeated_lines += 1
                continue
            line_words, line_bytes = number_of_words(line), len(encoded)
            lines += 1
            words += line_words
            size_bytes += line_bytes
            choice.see(key, line_words, line_bytes)
        if not lines:
            why = ": all of its lines are in the held-out text, too" if self.repeated_lines else ""
            raise CorpusError(f"there is no text to train on in {_names(self.sources)}{why}.")
        if self.heldout:
            return CorpusStatistics(lines, words, size_bytes, *self._count_own_heldout(), NOTHING)
        limit, groups = choice.choose(lines)
        return CorpusStatistics(
            lines=lines - sum(group.copies for group in groups),
            words=words - sum(group.copies * group.words for group in groups),
            bytes=size_bytes - sum(group.copies * group.bytes for group in groups),
            heldout_lines=len(groups),
            heldout_words=sum(group.words for group in groups),
            heldout_bytes=sum(group.bytes for group in groups),
            heldout_limit=limit,
        )

    def _count_own_heldout(self) -> tuple[int, int, int]:
        lines = words = size_bytes = 0
        for line in self.heldout_lines():
            lines += 1
            words += number_of_words(line)
            size_bytes += len(line.encode())
        if not lines:
            raise CorpusError(f"there is no text in the held-out file {_names(self.heldout)}.")
        return lines, words, size_bytes


Given = str | Path | Iterable[str | Path]
"""What a user may call a text, or several."""


def inputs_of(given: Given) -> tuple[str, ...]:
    """Turn what a user gave into the names of inputs: one name, or several of any kind of sequence.

    Raises:
        CorpusError: If one is no name, or an empty one.
    """
    several = (given,) if isinstance(given, str | PurePath) else given
    if isinstance(several, bytes | Mapping) or not isinstance(several, Iterable):
        raise CorpusError(f"got {given!r:.80} as a corpus; expected the name of a file, or a list of names.")
    names = tuple(several)
    for name in names:
        if not isinstance(name, str | PurePath):
            raise CorpusError(f"got {name!r:.80} as a corpus; expected the name of a file or folder.")
        if not str(name).strip():
            raise CorpusError("got an empty name as a corpus; give a file, or '.' for the current folder.")
    return tuple(str(name) for name in names)


def open_corpus(inputs: Given, *, column: str | None = None, heldout: str | None = None) -> Corpus:
    """Find the text that the user named; nothing of it is read yet.

    Args:
        inputs: Files (.txt, .jsonl, .csv, .parquet, each also .gz or .zst), globs, folders, or hub datasets
            (``owner/name``, ``owner/name:config``, ``owner/name:config:split``); the network is used for
            these alone.
        column: The column that holds the text, where there are columns; by default ``text``.
        heldout: The user's own held-out text: a file, glob or folder.

    Returns:
        The corpus, in the order of the inputs; a file named twice is read once.

    Raises:
        CorpusError: Something that is not there or of an unknown format.
    """
    names = inputs_of(inputs)
    if not names:
        raise CorpusError("no corpus was given; expected at least one file, glob, folder or hub dataset.")
    column = column or "text"
    sources: dict[TextSource, None] = {}
    part_sizes = []
    for given in names:
        found = [HubDataset.open(given, column)] if could_be_hub_name(given) else _files(given, column)
        before = len(sources)
        sources |= dict.fromkeys(found)
        part_sizes.append(len(sources) - before)
    held_out = [] if heldout is None else _files(inputs_of(heldout)[0], column)
    return Corpus(list(sources), held_out, part_sizes)


def number_of_words(line: str) -> int:
    """Count what stands between white space."""
    words = 0
    # In slices: the list of all words of a line takes twenty times the memory of the line.
    for start in range(0, len(line), SLICE_CHARACTERS):
        part = line[start : start + SLICE_CHARACTERS]
        words += len(part.split())
        if start and not line[start - 1].isspace() and not part[0].isspace():
            words -= 1
    return words


def _files(given: str, column: str) -> list[TextFile]:
    if is_stream(given):
        return [TextFile(copied(given), column, given)]
    return [TextFile(path, column) for path in find_files(given)]


def _names(sources: Iterable[TextSource]) -> str:
    return ", ".join(source.name for source in sources)
