"""Packs documents into windows; any window of any epoch is computed from its number.

Only places that are left at the end of a window are padded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Bool, Int64

from monoglot.errors import CorpusError
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.special_token_template import SpecialTokenTemplate

PADDING = -1


@dataclass(frozen=True)
class Windows:
    """Windows of equal length, each with several segments of documents.

    Attributes:
        numbers: The sample number of each window, unique in a run: what its randomness is drawn from.
        ids: Token ids, special tokens included.
        segments: Segment of each token, counted from 0 through *all* these windows; -1 where nothing was left
            to put in.
        positions: The position of each token in its segment, from 0.
        is_text: Whether a token is one of the corpus, and no special token or padding.
        documents: The line of the corpus that each piece is from.
        starts: The token of that line with which each piece begins: 0 unless the line was cut.
    """

    numbers: Int64[np.ndarray, " windows"]
    ids: Int64[np.ndarray, "windows tokens"]
    segments: Int64[np.ndarray, "windows tokens"]
    positions: Int64[np.ndarray, "windows tokens"]
    is_text: Bool[np.ndarray, "windows tokens"]
    documents: Int64[np.ndarray, " segments"]
    starts: Int64[np.ndarray, " segments"]

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Put windows of the same length together."""
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)
        }
        before = np.cumsum([0, *(len(part.documents) for part in parts)])[:-1]
        shift = np.repeat(before, [len(part.ids) for part in parts])[:, None]
        segments = columns["segments"]
        columns["segments"] = np.where(segments == PADDING, PADDING, segments + shift)
        return cls(**columns)

    @property
    def fill(self) -> float:
        """Share of positions that hold a token of a document."""
        return float((self.segments != PADDING).mean())


def filling_order(
    lengths: Int64[np.ndarray, " documents"], window_tokens: int
) -> Int64[np.ndarray, " documents"]:
    """Order documents so that windows of consecutive documents are nearly full.

    The next in line is taken as long as it fits; after that, whichever fills most of what is left.

    Args:
        lengths: Tokens of each document, none longer than a window.
        window_tokens: Tokens of a window.
    """
    waiting = [deque[int]() for _ in range(window_tokens + 1)]
    for rank, length in enumerate(lengths.tolist()):
        waiting[length].append(rank)
    taken = np.zeros(len(lengths) + 1, bool)
    order, front, room = np.empty_like(lengths), 0, window_tokens
    for place in range(len(lengths)):
        while taken[front]:
            front += 1
        length = int(lengths[front])
        if length > room:
            length = next((fitting for fitting in range(room, 0, -1) if waiting[fitting]), length)
        if length > room:
            room = window_tokens
        # The front of the line is the first of its length, too.
        order[place] = rank = waiting[length].popleft()
        taken[rank] = True
        room -= length
    return order


LEAST_PIECE_TOKENS = 4
"""A document is not begun in a window that has room for fewer of its tokens."""

Cut = tuple[int, int]
"""A place in an epoch: a document by its rank in the epoch's order, and a token in it."""


@dataclass(frozen=True)
class PackedLayout:
    """Settings by which documents become windows.

    Attributes:
        window_tokens: Length of a window, special tokens included.
        template: What stands around each piece.
        pad_id: What fills the few places that are left.
        whole_documents: Whether each document stays in one window. It then ends where the window would; else
            the rest of it begins the next window.
        end: What follows the last token of each document, within the template: segments that a document was
            split into don't end with it.
    """

    window_tokens: int
    template: SpecialTokenTemplate
    pad_id: int
    whole_documents: bool = False
    end: tuple[int, ...] = ()

    @property
    def most_text(self) -> int:
        """The most tokens of a document in one window."""
        return self.window_tokens - self.template.tokens


@dataclass(frozen=True)
class Epoch:
    """One pass over the corpus, in an order of its own.

    Attributes:
        corpus: The documents; empty lines are passed over.
        layout: How they become windows.
        seed: Seed of the order.
        number: Number of the epoch, from 0.
    """

    corpus: TokenizedCorpus
    layout: PackedLayout
    seed: int
    number: int

    @cached_property
    def order(self) -> Int64[np.ndarray, " documents"]:
        """The lines that are not empty, shuffled; those that must be whole in an order that fills windows."""
        filled = np.flatnonzero(np.diff(self.corpus.offsets))
        shuffled = np.random.default_rng([self.seed, self.number]).permutation(filled)
        if not self.layout.whole_documents:
            return shuffled
        lengths = self._used(shuffled) + self.layout.template.tokens
        order: Int64[np.ndarray, " documents"] = shuffled[filling_order(lengths, self.layout.window_tokens)]
        return order

    @cached_property
    def lengths(self) -> Int64[np.ndarray, " documents"]:
        """How many tokens of each document, in that order, are used, those of its end included."""
        return self._used(self.order)

    def _used(self, documents: Int64[np.ndarray, " documents"]) -> Int64[np.ndarray, " documents"]:
        offsets = self.corpus.offsets
        lengths: Int64[np.ndarray, " documents"] = np.asarray(offsets[documents + 1] - offsets[documents])
        lengths = lengths + len(self.layout.end)
        return np.minimum(lengths, self.layout.most_text) if self.layout.whole_documents else lengths

    @cached_property
    def cuts(self) -> Int64[np.ndarray, "windows+1 2"]:
        """Where each window begins, and where the last one ends (see ``Cut``)."""
        cuts = np.fromiter((place for cut in self._walk() for place in cut), np.int64)
        return cuts.reshape(-1, 2)

    def _walk(self) -> Iterator[Cut]:
        """The beginning of every window in turn: a few steps for each, whatever it holds."""
        layout, around = self.layout, self.layout.template.tokens
        ends = np.cumsum(self.lengths + around)
        total = len(ends)
        document, token = 0, 0
        yield document, token
        while document < total:
            room = layout.window_tokens
            if token:
                rest = int(self.lengths[document]) - token + around
                if rest > room:
                    token = self._before_end(document, token + layout.most_text)
                    yield document, token
                    continue
                room, document, token = room - rest, document + 1, 0
            used = int(ends[document - 1]) if document else 0
            fitting = int(np.searchsorted(ends, used + room, side="right"))
            room -= (int(ends[fitting - 1]) if fitting else 0) - used
            document = fitting
            if document < total and not layout.whole_documents and room - around >= LEAST_PIECE_TOKENS:
                token = self._before_end(document, room - around)
            yield document, token

    def _before_end(self, document: int, token: int) -> int:
        """A place to cut a document at, so that its rest has a token of text before its end."""
        end = len(self.layout.end)
        return min(token, int(self.lengths[document]) - end - 1) if end else token

    def __len__(self) -> int:
        """How many windows the epoch has."""
        return len(self.cuts) - 1

    def window(self, index: int, number: int) -> Windows:
        """Assemble one window.

        Args:
            index: Which of the epoch.
            number: Its sample number in the run.
        """
        (first, start), (last, stop) = self.cuts[index], self.cuts[index + 1]
        ranks = np.arange(first, last + (stop > 0))
        begins, ends = np.zeros(len(ranks), np.int64), self.lengths[ranks].copy()
        begins[0] = start
        if stop:
            ends[-1] = stop
        offsets, stops = (self.corpus.offsets[self.order[ranks] + side] for side in (0, 1))
        text = [
            self.corpus.ids[o + b : min(o + e, s)]
            for o, s, b, e in zip(offsets, stops, begins, ends, strict=True)
        ]
        of_end = np.maximum(offsets + ends - stops, 0)
        return self._assemble(text, of_end, number, self.order[ranks], begins)

    def _assemble(
        self,
        texts: Sequence[np.ndarray],
        of_end: np.ndarray,
        number: int,
        documents: np.ndarray,
        starts: np.ndarray,
    ) -> Windows:
        layout = self.layout
        before, after, end = (
            np.array(ids, np.int64) for ids in (layout.template.before, layout.template.after, layout.end)
        )
        inner = np.array([len(text) for text in texts])
        lengths = inner + of_end + layout.template.tokens
        left = layout.window_tokens - int(lengths.sum())
        ids = [part for text, n in zip(texts, of_end, strict=True) for part in (before, text, end[:n], after)]
        runs = np.column_stack([np.full(len(texts), len(before)), inner, of_end + len(after)])
        is_text = np.repeat(np.tile([False, True, False], len(texts)), runs.ravel())
        segments = np.repeat(np.arange(len(texts)), lengths)
        begins = np.repeat(np.cumsum(lengths) - lengths, lengths)
        positions = np.arange(len(begins)) - begins
        return Windows(
            numbers=np.array([number], np.int64),
            ids=np.concatenate([*ids, np.full(left, layout.pad_id)]).astype(np.int64)[None],
            segments=np.concatenate([segments, np.full(left, PADDING)])[None],
            positions=np.concatenate([positions, np.arange(left)])[None],
            is_text=np.concatenate([is_text, np.zeros(left, bool)])[None],
            documents=documents,
            starts=starts,
        )


class PackedCorpus:
    """Windows of any epoch by number; the form that a ``DataLoader`` reads.

    The result depends on seed and number alone, so that any number of processes can share the work and a run
    can resume anywhere.
    """

    def __init__(self, corpus: TokenizedCorpus, layout: PackedLayout, *, windows: int, seed: int) -> None:
        """Plan the windows.

        Args:
            corpus: The documents.
            layout: How they become windows.
            windows: How many windows there are to be.
            seed: Seed of the order of documents.

        Raises:
            CorpusError: If the corpus has no tokens at all, or a window no room for text.
        """
        if not corpus.tokens or layout.most_text < LEAST_PIECE_TOKENS:
            raise CorpusError(
                f"a corpus of {corpus.tokens:,} tokens can't be packed into windows of "
                f"{layout.window_tokens} tokens: give more text or longer windows"
            )
        self.corpus, self.layout, self.seed = corpus, layout, seed
        self._windows = windows
        self._ends: list[int] = []
        self._epoch = Epoch(corpus, layout, seed, 0)

    def __len__(self) -> int:
        return self._windows

    def __getitem__(self, number: int) -> Windows:
        """The window of a number."""
        if not 0 <= number < self._windows:
            raise IndexError(number)
        epoch = 0
        while True:
            if epoch == len(self._ends):
                before = self._ends[-1] if self._ends else 0
                self._ends.append(before + len(self._open(epoch)))
            if number < self._ends[epoch]:
                break
            epoch += 1
        before = self._ends[epoch - 1] if epoch else 0
        return self._open(epoch).window(number - before, number)

    def __getitems__(self, numbers: Sequence[int]) -> Windows:
        """The windows of some numbers, as one batch."""
        return Windows.join([self[number] for number in numbers])

    @property
    def windows_per_epoch(self) -> int:
        """How many windows the corpus fills once; the first epoch's, for others differ by very few."""
        return len(self._open(0)) if not self._ends else self._ends[0]

    @property
    def cut_documents(self) -> tuple[int, int]:
        """How many documents are too long for one window, and how many there are; empty ones apart."""
        lengths = np.diff(self.corpus.offsets)
        return int((lengths > self.layout.most_text).sum()), int((lengths > 0).sum())

    def _open(self, number: int) -> Epoch:
        if self._epoch.number != number:
            self._epoch = Epoch(self.corpus, self.layout, self.seed, number)
        return self._epoch
