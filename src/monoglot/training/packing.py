"""Documents packed into windows without padding: any window of any epoch from its number alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monoglot.errors import CorpusError
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.epoch import LEAST_PIECE_TOKENS, Epoch, Layout
from monoglot.training.windows import Windows


class PackedCorpus:
    """Windows of as many epochs as are asked for, by number; the form that a ``DataLoader`` reads.

    The result depends on seed and number alone, so that any number of processes can share the work and a run
    can go on anywhere.
    """

    def __init__(self, corpus: TokenizedCorpus, layout: Layout, *, windows: int, seed: int) -> None:
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
