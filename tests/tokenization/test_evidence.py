"""Counts of words."""

from __future__ import annotations

import numpy as np

from monoglot.tokenization.evidence import TextCounts, count_words


def test_the_first_words_of_sentences_are_not_counted():
    counts = count_words(["Das Haus, das Haus. Dort steht; ja Hans 3 mal", "Ein Haus: Eines"])
    assert counts == {"Haus": 2, "das": 1, "steht": 1, "ja": 1, "Hans": 1, } | {"Haus": 3}  # fmt: skip


def test_totals_and_caseless_counts():
    text = TextCounts(np.array([2, 0, 3]), {"Not": 1, "not": 4})
    assert (text.all_tokens, text.all_words) == (5, 5)
    assert text.caseless_words == {"not": 5}
