"""Where two tokenizations of one text have a boundary in common, by the bytes that tokens stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import Vocabulary

NOWHERE = -1


def byte_lengths(tokenizer: PreTrainedTokenizerFast) -> Int64[np.ndarray, " ids"]:
    """How many bytes of text each token stands for, white space not counted; special tokens for none.

    White space is left out because tokenizers disagree about which token has it.
    """
    vocabulary = Vocabulary.of(tokenizer)
    lengths = np.zeros(vocabulary.size, np.int64)
    for token in vocabulary.tokens:
        if not token.roles:
            lengths[token.id] = len(b"".join(token.form.split()))
    return lengths


@dataclass(frozen=True)
class Alignment:
    """The stretches between the boundaries that two tokenizations share.

    Attributes:
        first: For each token of the one, the stretch that it belongs to; -1 for none.
        second: The same for the other.
        stretches: How many there are.
    """

    first: Int64[np.ndarray, " tokens"]
    second: Int64[np.ndarray, " others"]
    stretches: int


def align(first: Int64[np.ndarray, " tokens"], second: Int64[np.ndarray, " others"]) -> Alignment:
    """Align two tokenizations of a text, or of a text and its beginning.

    Args:
        first: Bytes of each token of the one.
        second: Bytes of each token of the other.

    Returns:
        Stretches from the first common boundary to the last; tokens behind that belong to none. A token of
        no bytes belongs to the stretch of the token behind it.
    """
    ends = np.cumsum(first), np.cumsum(second)
    common = np.intersect1d(*ends)
    common = common[common > 0]

    def stretches(lengths: Int64[np.ndarray, " n"], ends: Int64[np.ndarray, " n"]) -> np.ndarray:
        # A token of no bytes ends where the one before it does, but begins what comes next.
        stretch = np.searchsorted(common, np.where(lengths > 0, ends, ends + 1))
        return np.where(stretch < len(common), stretch, NOWHERE)

    return Alignment(stretches(first, ends[0]), stretches(second, ends[1]), len(common))
