"""What training must know of a vocabulary's tokens, as arrays by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenKinds:
    """Which ids are special, which begin words.

    Attributes:
        ordinary: Ids that stand for text.
        is_special: For each id whether it serves a role, or stands for nothing.
        begins_word: For each id whether it begins a word; all do where the tokenizer marks no words.
    """

    ordinary: Int64[np.ndarray, " ordinary"]
    is_special: Bool[np.ndarray, " ids"]
    begins_word: Bool[np.ndarray, " ids"]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> Self:
        """Read them from a tokenizer."""
        vocabulary = Vocabulary.of(tokenizer)
        ordinary = np.array([token.id for token in vocabulary.tokens if not token.roles], np.int64)
        is_special = np.ones(vocabulary.size, bool)
        is_special[ordinary] = False
        begins_word = np.zeros(vocabulary.size, bool)
        begins_word[[token.id for token in vocabulary.tokens if token.word_start]] = True
        return cls(ordinary, is_special, begins_word if begins_word.any() else ~begins_word)

    @property
    def probe(self) -> Int64[torch.Tensor, " ids"]:
        """Eight ordinary ids from all over the vocabulary, to try things with."""
        places = np.linspace(0, len(self.ordinary) - 1, 8).astype(np.int64)
        return torch.from_numpy(self.ordinary[places])
