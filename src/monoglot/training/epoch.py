"""The corpus once, packed into windows without padding: any window from its number alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.filling import filling_order
from monoglot.training.frame import Frame
from monoglot.training.windows import PADDING, Windows

LEAST_PIECE_TOKENS = 4
"""A document is not begun in a window that has room for fewer of its tokens."""

Cut = tuple[int, int]
"""A place in an epoch: a document by its rank in the epoch's order, and a token in it."""


@dataclass(frozen=True)
class Layout:
    """How documents become windows.

    Attributes:
        window_tokens: Length of a window, special tokens included.
        frame: What stands around each piece.
        pad_id: What fills the few places that are left.
        whole_documents: Whether each document stays in one window. It then ends where the window would; else
            the rest of it begins the next window.
        end: What stands behind the last token of each document, within the frame: pieces that a document was
            cut to don't end with it.
    """

    window_tokens: int
    frame: Frame
    pad_id: int
    whole_documents: bool = False
    end: tuple[int, ...] = ()

    @property
    def most_text(self) -> int:
        """The most tokens of a document that one window holds."""
        return self.window_tokens - self.frame.tokens


@dataclass(frozen=True)
class Epoch:
    """The corpus once, in an order of its own.

    Attributes:
        corpus: The documents; empty lines are passed over.
        layout: How they become windows.
        seed: Seed of the order.
        number: Number of the epoch, from 0.
    """

    corpus: TokenizedCorpus
    layout: Layout
    seed: int
    number: int

    @cached_property
    def order(self) -> Int64[np.ndarray, " documents"]:
        """The lines that are not empty, shuffled; those that must be whole in an order that fills windows."""
        filled = np.flatnonzero(np.diff(self.corpus.offsets))
        shuffled = np.random.default_rng([self.seed, self.number]).permutation(filled)
        if not self.layout.whole_documents:
            return shuffled
        lengths = self._used(shuffled) + self.layout.frame.tokens
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
        layout, around = self.layout, self.layout.frame.tokens
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
            np.array(ids, np.int64) for ids in (layout.frame.before, layout.frame.after, layout.end)
        )
        inner = np.array([len(text) for text in texts])
        lengths = inner + of_end + layout.frame.tokens
        left = layout.window_tokens - int(lengths.sum())
        ids = [part for text, n in zip(texts, of_end, strict=True) for part in (before, text, end[:n], after)]
        runs = np.column_stack([np.full(len(texts), len(before)), inner, of_end + len(after)])
        is_text = np.repeat(np.tile([False, True, False], len(texts)), runs.ravel())
        pieces = np.repeat(np.arange(len(texts)), lengths)
        begins = np.repeat(np.cumsum(lengths) - lengths, lengths)
        positions = np.arange(len(begins)) - begins
        return Windows(
            numbers=np.array([number], np.int64),
            ids=np.concatenate([*ids, np.full(left, layout.pad_id)]).astype(np.int64)[None],
            pieces=np.concatenate([pieces, np.full(left, PADDING)])[None],
            positions=np.concatenate([positions, np.arange(left)])[None],
            is_text=np.concatenate([is_text, np.zeros(left, bool)])[None],
            documents=documents,
            starts=starts,
        )
