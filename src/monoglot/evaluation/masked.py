"""What a masked model is asked, so that the answers make up the pseudo-log-likelihood of a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int64

from monoglot.evaluation.text_words import word_bounds
from monoglot.evaluation.token_scores import Row
from monoglot.evaluation.tokenized_text import TokenizedText


@dataclass(frozen=True)
class MaskedQuestions:
    """Words of a line, each given all others (pseudo-log-likelihood, Salazar et al. 2020).

    All tokens of a word are masked together (Kauf & Ivanova 2023): else the pieces of a rare word would give
    each other away, and a tokenizer that cuts words to pieces would look better than it is.

    Attributes:
        text: The lines.
        mask_id: The mask token.
        window_tokens: The most tokens that the model reads at once, special ones included.
        word_share: The share of words to ask for; ``None`` for all.
        seed: Which words these are; the same ones for every tokenizer, where words are divided by spaces.
    """

    text: TokenizedText
    mask_id: int
    window_tokens: int
    word_share: float | None
    seed: int

    @cached_property
    def bounds(self) -> list[Int64[np.ndarray, " words_and_one"]]:
        """Where the words of each line begin."""
        return [
            word_bounds(line, offsets)
            for line, offsets in zip(self.text.lines, self.text.offsets, strict=True)
        ]

    def rows(self) -> Iterator[Row]:
        """The questions, longest lines first."""
        for line in self.text.longest_first():
            words = self._drawn(line, len(self.bounds[line]) - 1)
            for word in words:
                yield from self._word_rows(line, int(word))

    def line_bits(self, line: int, words: list[float]) -> tuple[float, float]:
        """The bits of a line, estimated from those of the words drawn, and the variance of that."""
        return estimated_total(np.array(words), len(self.bounds[line]) - 1)

    def _drawn(self, line: int, n_words: int) -> Int64[np.ndarray, " drawn"]:
        """Some words of a line, two at least, without replacement."""
        if self.word_share is None:
            return np.arange(n_words)
        wanted = min(n_words, max(2, round(self.word_share * n_words)))
        return np.sort(np.random.default_rng([self.seed, line]).choice(n_words, wanted, replace=False))

    def _word_rows(self, line: int, word: int) -> Iterator[Row]:
        """One question, or several if the word is longer than half a window, which has it in its middle."""
        text, ids = self.text, self.text.ids[line]
        size = self.window_tokens - len(text.before) - len(text.after)
        first, end = self.bounds[line][word : word + 2].tolist()
        for start in range(first, end, size // 2):
            stop = min(start + size // 2, end)
            begin = max(0, min((start + stop - size) // 2, len(ids) - size))
            shown = ids[begin : begin + size].copy()
            shown[start - begin : stop - begin] = self.mask_id
            places = np.arange(start, stop) - begin + len(text.before)
            yield Row(line, word, np.concatenate([text.before, shown, text.after]), places, ids[start:stop])


def estimated_total(drawn: Float64[np.ndarray, " drawn"], size: int) -> tuple[float, float]:
    """Estimate the sum of a population from a sample drawn without replacement, and the estimate's variance.

    Args:
        drawn: The sample: two at least, or all there are.
        size: How many there are.
    """
    if len(drawn) == size:
        return float(drawn.sum()), 0.0
    unseen = 1 - len(drawn) / size
    return float(drawn.mean() * size), float(size**2 * unseen * drawn.var(ddof=1) / len(drawn))
