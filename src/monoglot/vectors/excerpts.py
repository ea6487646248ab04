"""Short excerpts of a corpus in which as many different tokens as possible occur, as text again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from jaxtyping import Bool, Int64

from monoglot.tokenization.encoding import Ids, TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary

CHUNK_TOKENS = 1 << 22
NOBODY = -1
"""Owner of a character that belongs to no token: the space before a word."""


def choose_excerpts(
    corpus: TokenizedCorpus,
    counts: Int64[np.ndarray, " size"],
    *,
    longest_tokens: int,
    total_tokens: int,
    seed: int,
) -> Int64[np.ndarray, "excerpts 2"]:
    """Draw excerpts of lines so that rare tokens are met about as often as a short text allows.

    Each line is cut into excerpts of at most ``longest_tokens``, and some are drawn without replacement, each
    by the weight of its tokens, which is one over their count: every token of the vocabulary asks for the
    same share of the text. The way to draw is that of Efraimidis & Spirakis 2006.

    Args:
        corpus: The text.
        counts: How often each token occurs in it.
        longest_tokens: Longest excerpt.
        total_tokens: About how many tokens to draw.
        seed: Seed of the choice.

    Returns:
        Where each excerpt begins and ends in the ids of the corpus, in the order of the text.
    """
    starts, weights = [], []
    base = 0
    for ids, offsets in corpus.lines_in_chunks(CHUNK_TOKENS):
        lengths = np.diff(offsets)
        per_line = -(-lengths // longest_tokens)
        first = np.repeat(np.cumsum(per_line) - per_line, per_line)
        start = np.repeat(offsets[:-1], per_line) + (np.arange(len(first)) - first) * longest_tokens
        starts.append(base + start)
        rarity = 1.0 / counts[ids]
        weights.append(np.add.reduceat(rarity, start) if len(start) else rarity)
        base += len(ids)
    start = np.concatenate([*starts, [base]]).astype(np.int64)
    spans = np.stack([start[:-1], start[1:]], axis=1)
    draws = np.random.default_rng(seed).random(len(spans))
    order = np.argsort(np.log1p(-draws) / np.concatenate([*weights, []]), kind="stable")[::-1]
    drawn_tokens = np.cumsum(np.diff(spans, axis=1)[order, 0])
    chosen = order[: int(np.searchsorted(drawn_tokens, total_tokens)) + 1]
    return spans[np.sort(chosen)]


@dataclass(frozen=True)
class Spelling:
    """How the tokens of a vocabulary are put together to a text; special tokens are no text.

    Attributes:
        surfaces: The bytes of each id, with the space before a word.
        spaces: Whether an id begins with a space.
        characters: How many characters begin in the bytes of each id, without that space.
    """

    surfaces: list[bytes] = field(repr=False)
    spaces: Bool[np.ndarray, " size"] = field(repr=False)
    characters: Int64[np.ndarray, " size"] = field(repr=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        """Spell all tokens."""
        surfaces = [b""] * vocabulary.size
        spaces = np.zeros(vocabulary.size, dtype=bool)
        characters = np.zeros(vocabulary.size, dtype=np.int64)
        for token in vocabulary.tokens:
            if not token.roles:
                spaces[token.id] = token.word_start is True
                surfaces[token.id] = (b" " if token.word_start else b"") + token.form
                characters[token.id] = sum(byte & 0xC0 != 0x80 for byte in token.form)
        return cls(surfaces, spaces, characters)

    def text(self, ids: Ids) -> str | None:
        """The text of some tokens; ``None`` if they begin or end within a character."""
        try:
            return b"".join([self.surfaces[id] for id in ids.tolist()]).decode()
        except UnicodeDecodeError:
            return None

    def owners(self, ids: Ids) -> Int64[np.ndarray, " characters"]:
        """Which of some tokens each character of their text belongs to: the one in which it begins."""
        owners = np.full(2 * len(ids), NOBODY)
        owners[1::2] = np.arange(len(ids))
        return np.repeat(owners, np.stack([self.spaces[ids], self.characters[ids]], axis=1).ravel())
