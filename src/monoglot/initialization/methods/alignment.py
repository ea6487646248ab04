"""Alignment: each missing token is a mean of the source tokens that it is linked with in translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from monoglot.corpus.text_pairs import check_pairs, read_pairs
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.maths.word_alignment import Sequences, count_links
from monoglot.options import Count, InputFile
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.pieces import Segmenter

LONGEST_TOKENS = 200
"""Pairs with a longer side are left out: they tell little, and their links are many."""


@register("alignment")
@dataclass(frozen=True)
class Alignment(Initializer):
    """``w = counts(m, s) / Σ counts(m, s)``: how often each source token s was linked with the token m.

    Both sides of a parallel text are segmented, and tokens are linked in both directions by IBM model 2 with
    a diagonal prior (see ``monoglot.maths.word_alignment``); the links of both directions are added up, so
    that a token may stand for several. Pairs that are too rare are dropped.

    References: Tran 2020, "From English to Foreign Languages: Transferring Pre-trained Language Models"
    (RAMEN); Remy et al. 2024, "Trans-Tokenization and Cross-lingual Vocabulary Transfers" (arXiv 2408.04303).

    Attributes:
        parallel_text: File with a sentence, a tab and its translation into the target language on each line.
        minimum_count: Pairs of tokens that are linked less often are dropped.
    """

    parallel_text: InputFile
    minimum_count: Count = 10

    @property
    def files(self) -> Mapping[str, str]:
        """The parallel text."""
        return {"parallel-text": self.parallel_text}

    def check(self) -> None:
        """Refuse a file that is not there or has broken lines.

        Raises:
            SettingError: If it is so.
        """
        super().check()
        check_pairs(Path(self.parallel_text))

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that were linked often enough."""
        pairs = list(read_pairs(Path(self.parallel_text)))
        source_segmenter, target_segmenter = transfer.required_segmenters
        rows = (
            segment_lines(source_segmenter, [text for text, _ in pairs]),
            segment_lines(target_segmenter, [t for _, t in pairs]),
        )
        keep = [max(map(len, pair)) <= LONGEST_TOKENS for pair in zip(*rows, strict=True)]
        source, target = (
            sequences([row for row, kept in zip(side, keep, strict=True) if kept], vocabulary.size)
            for side, vocabulary in zip(rows, (transfer.source, transfer.target), strict=True)
        )
        forward, backward = count_links(source, target), count_links(target, source)
        keys = np.concatenate(
            [forward.target * source.kinds + forward.source, backward.source * source.kinds + backward.target]
        )
        linked, places = np.unique(keys, return_inverse=True)
        counts = np.bincount(places, np.concatenate([forward.counts, backward.counts]), minlength=len(linked))
        tokens, parents = np.divmod(linked, source.kinds)
        kept = (counts >= self.minimum_count) & (transfer.trained & ~transfer.is_special)[parents]
        return _normalized(tokens[kept], parents[kept], counts[kept], transfer)


def segment_lines(segment: Segmenter, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of whole lines."""
    return segment([f" {text}" for text in texts])


def sequences(rows: list[list[int]], kinds: int) -> Sequences:
    """Rows of ids as one array."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    return Sequences(np.fromiter(chain.from_iterable(rows), np.int64, lengths.sum()), offsets(lengths), kinds)


def _normalized(
    tokens: np.ndarray, parents: np.ndarray, counts: np.ndarray, transfer: Transfer
) -> SparseRows:
    """Counts of pairs, by token, as rows of shares for the missing tokens."""
    lengths = np.bincount(tokens, minlength=transfer.target.size).astype(np.int64)
    total = np.bincount(tokens, counts, minlength=transfer.target.size)
    rows = SparseRows(offsets(lengths), parents, (counts / total[tokens]).astype(np.float32))
    return rows.select(transfer.overlap.missing)
