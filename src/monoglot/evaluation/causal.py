"""What a causal model is asked, so that the answers make up the probability of a line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from monoglot.evaluation.token_scores import Row
from monoglot.evaluation.tokenized_text import TokenizedText


@dataclass(frozen=True)
class CausalQuestions:
    """Each token of a line, given those before it.

    Attributes:
        text: The lines.
        start_ids: What stands in front of each line.
        window_tokens: The most tokens that the model reads at once.
        n_logits: How many tokens the model knows.
    """

    text: TokenizedText
    start_ids: Int64[np.ndarray, " start"]
    window_tokens: int
    n_logits: int

    def rows(self) -> Iterator[Row]:
        """The questions, longest lines first."""
        for line in self.text.longest_first():
            yield from causal_rows(line, self.text.ids[line], self.start_ids, self.window_tokens)

    def line_bits(self, line: int, words: list[float]) -> tuple[float, float]:
        """The bits of a line, and their variance: none.

        A first token that nothing stands before counts as if all tokens were equally likely.
        """
        guessed = math.log2(self.n_logits) if not len(self.start_ids) and len(self.text.ids[line]) else 0.0
        return sum(words) + guessed, 0.0


def causal_rows(
    line: int,
    ids: Int64[np.ndarray, " tokens"],
    start_ids: Int64[np.ndarray, " start"],
    window_tokens: int,
) -> Iterator[Row]:
    """Ask for each token of a line given those before it, in overlapping windows if it is long.

    In each window but the first, at least half the tokens are only context. All windows begin with what the
    tokenizer puts in front of a text: models rely on it, and without it are far worse than they need to be.

    Args:
        line: The number of the line.
        ids: Its tokens, without special ones.
        start_ids: What stands in front; if nothing does, the first token can't be asked for.
        window_tokens: The most tokens that the model reads at once.
    """
    n_start = len(start_ids)
    size = window_tokens + 1 - n_start  # the last token of a window is asked for, not read
    done = 0 if n_start else 1
    end = min(len(ids), size)
    while done < end:
        begin = max(0, end - size)
        read = np.concatenate([start_ids, ids[begin : end - 1]])
        # The prediction of a token stands one place before it.
        places = np.arange(done, end) - begin + n_start - 1
        yield Row(line, 0, read, places, ids[done:end])
        done, end = end, min(len(ids), end + size // 2)
