"""Dynamic masking for masked language modeling: which tokens are predicted, and what replaces them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.parts import Family, Token
from monoglot.tokenization.scripts import script_of
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.training.lm_heads import IGNORED
from monoglot.training.packing import Windows


@dataclass(frozen=True)
class TokenKinds:
    """Which ids are special, and which begin words.

    Attributes:
        ordinary: Ids that stand for text.
        is_special: For each id whether it serves a role, or stands for nothing.
        begins_word: For each id whether it begins a word; all do where the tokenizer marks no words.
        is_whole: For each id whether it is a word of its own, which the next token does not continue:
            punctuation, and characters of scripts that don't put spaces between words.
    """

    ordinary: Int64[np.ndarray, " ordinary"]
    is_special: Bool[np.ndarray, " ids"]
    begins_word: Bool[np.ndarray, " ids"]
    is_whole: Bool[np.ndarray, " ids"]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> Self:
        """Read them from a tokenizer."""
        vocabulary = Vocabulary.of(tokenizer)
        ordinary = np.array([token.id for token in vocabulary.tokens if not token.roles], np.int64)
        is_special = np.ones(vocabulary.size, bool)
        is_special[ordinary] = False
        begins_word = np.zeros(vocabulary.size, bool)
        begins_word[[token.id for token in vocabulary.tokens if token.word_start]] = True
        family = vocabulary.family
        is_whole = np.zeros(vocabulary.size, bool)
        is_whole[[token.id for token in vocabulary.tokens if _is_whole(token, family)]] = True
        begins_word = begins_word | is_whole if begins_word.any() else ~begins_word
        return cls(ordinary, is_special, begins_word, is_whole)

    @property
    def probe(self) -> Int64[torch.Tensor, " ids"]:
        """Give eight ordinary ids from the whole vocabulary, for trial runs."""
        places = np.linspace(0, len(self.ordinary) - 1, 8).astype(np.int64)
        return torch.from_numpy(self.ordinary[places])


@dataclass(frozen=True)
class Maskable:
    """Arrays of a vocabulary that masking needs.

    Attributes:
        mask_id: The mask token.
        ordinary: The ids that may stand in for another: all but special tokens.
        is_special: For each id whether it is a special token; these are never predicted.
        begins_word: For each id whether it begins a word.
        is_whole: For each id whether it is a word of its own, so that the next token begins another; none if
            left out.
    """

    mask_id: int
    ordinary: Int64[np.ndarray, " ordinary"]
    is_special: Bool[np.ndarray, " ids"]
    begins_word: Bool[np.ndarray, " ids"]
    is_whole: Bool[np.ndarray, " ids"] | None = None


@dataclass(frozen=True)
class Masked:
    """Windows with tokens to predict, the same number in each.

    Attributes:
        ids: The token ids with the chosen ones replaced.
        chosen: Places of the chosen tokens in each window, ascending.
        targets: The ids that stood there; -100 where a window has fewer tokens to choose from.
    """

    ids: Int64[np.ndarray, "windows tokens"]
    chosen: Int64[np.ndarray, "windows chosen"]
    targets: Int64[np.ndarray, "windows chosen"]


STREAM = 1
"""Keeps the draws of masking apart from others that the same seed and sample number give."""


def mask(windows: Windows, maskable: Maskable, *, share: float, whole_words: bool, seed: int) -> Masked:
    """Choose tokens and replace them; for each window a pure function of seed and sample number.

    Every window has the same number of chosen tokens, so that means over windows, gradient accumulation and
    several processes all weigh each token alike.

    Args:
        windows: What to mask.
        maskable: What must be known of the vocabulary.
        share: Share of a window's tokens that is chosen.
        whole_words: Whether words are chosen, not tokens; the last word may be chosen in part.
        seed: Seed of the run.
    """
    n_tokens = windows.ids.shape[1]
    wanted = max(1, round(share * n_tokens))
    ids = windows.ids.copy()
    rows = [
        _mask_row(
            np.random.default_rng([seed, STREAM, number]),
            ids[row],
            windows.is_text[row] & ~maskable.is_special[ids[row]],
            windows.positions[row],
            maskable,
            wanted,
            whole_words,
        )
        for row, number in enumerate(windows.numbers.tolist())
    ]
    return Masked(ids, np.stack([chosen for chosen, _ in rows]), np.stack([targets for _, targets in rows]))


TO_MASK, TO_RANDOM = 0.8, 0.9
"""Of the chosen tokens 80% are masked, 10% become another token, 10% stay (Devlin et al. 2019)."""


def _mask_row(
    rng: np.random.Generator,
    ids: Int64[np.ndarray, " tokens"],
    eligible: Bool[np.ndarray, " tokens"],
    positions: Int64[np.ndarray, " tokens"],
    maskable: Maskable,
    wanted: int,
    whole_words: bool,
) -> tuple[Int64[np.ndarray, " chosen"], Int64[np.ndarray, " chosen"]]:
    """Choose tokens of one window, replace them in place, and give their places and former ids."""
    keys = rng.random(len(ids))
    if whole_words:
        begins = word_begins(ids, positions, eligible, maskable)
        keys = keys[np.cumsum(begins) - 1]
    keys[~eligible] = 2  # behind all others
    order = np.argsort(keys, kind="stable")[:wanted]
    chosen = np.sort(order)
    targets = np.where(eligible[chosen], ids[chosen], IGNORED)
    fate = rng.random(wanted)[: len(chosen)]
    others = maskable.ordinary[rng.integers(len(maskable.ordinary), size=wanted)][: len(chosen)]
    kept = np.where(fate < TO_RANDOM, others, ids[chosen])
    replaced = np.where(fate < TO_MASK, maskable.mask_id, kept)
    ids[chosen] = np.where(eligible[chosen], replaced, ids[chosen])
    return chosen, targets


def word_begins(
    ids: Int64[np.ndarray, " tokens"],
    positions: Int64[np.ndarray, " tokens"],
    eligible: Bool[np.ndarray, " tokens"],
    maskable: Maskable,
) -> Bool[np.ndarray, " tokens"]:
    """Which tokens of a window begin a word, those that are never predicted included."""
    begins: Bool[np.ndarray, " tokens"] = maskable.begins_word[ids] | (positions == 0) | ~eligible
    if maskable.is_whole is not None:
        begins[1:] |= maskable.is_whole[ids[:-1]]
    return begins


IDEOGRAPHIC = frozenset({"Han", "Hiragana", "Katakana", "Bopomofo"})
"""Scripts that write words one after the other: each token is taken for a word."""


def _is_whole(token: Token, family: Family) -> bool:
    """Tell whether a token is a word of its own in any context."""
    if token.roles:
        return False
    if family is Family.WORDPIECE:  # its spelling tells all but what the pre-tokenizer cuts off
        return token.word_start is None
    try:
        text = token.form.decode().strip()
    except UnicodeDecodeError:
        return False
    if not text:
        return False
    symbols = all(unicodedata.category(character)[0] in "PS" for character in text)
    return symbols or script_of(text) in IDEOGRAPHIC
