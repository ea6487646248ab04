"""What training must know of a vocabulary's tokens, as arrays by id."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.parts import Family, Token
from monoglot.tokenization.spelling import script_of
from monoglot.tokenization.vocabulary import Vocabulary

IDEOGRAPHIC = frozenset({"Han", "Hiragana", "Katakana", "Bopomofo"})
"""Scripts that write words one after the other: each token is taken for a word."""


@dataclass(frozen=True)
class TokenKinds:
    """Which ids are special, which begin words.

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
        """Eight ordinary ids from all over the vocabulary, to try things with."""
        places = np.linspace(0, len(self.ordinary) - 1, 8).astype(np.int64)
        return torch.from_numpy(self.ordinary[places])


def _is_whole(token: Token, family: Family) -> bool:
    """Whether a token is a word of its own, whatever stands around it."""
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
