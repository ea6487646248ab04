"""The proof that a trimmed tokenizer segments text as its source does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Int64
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import plain_backend

BATCH_LINES = 1_000
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Proof:
    """How many lines two tokenizers segment alike.

    Attributes:
        lines: Lines that were compared.
        equal: Lines that come out as the same tokens.
        examples: Some of the others.
    """

    lines: int
    equal: int
    examples: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of lines that come out as the same tokens; 1 if there were no lines."""
        return self.equal / self.lines if self.lines else 1.0


def prove(
    source: PreTrainedTokenizerFast,
    trimmed: PreTrainedTokenizerFast,
    source_of: Int64[np.ndarray, " trimmed"],
    lines: Iterable[str],
) -> Proof:
    """Compare the segmentation of every line, token by token.

    Args:
        source: The tokenizer that was trimmed.
        trimmed: What was left of it.
        source_of: The source id of each trimmed token; -1 for new ones.
        lines: The text.
    """
    old, new = plain_backend(source), plain_backend(trimmed)
    compared = equal = 0
    examples: list[str] = []
    for batch in batches(lines):
        ids = zip(exact_ids(old, batch), exact_ids(new, batch), strict=True)
        for line, (source_ids, trimmed_ids) in zip(batch, ids, strict=True):
            compared += 1
            if np.array_equal(source_ids, source_of[trimmed_ids]):
                equal += 1
            elif len(examples) < MOST_EXAMPLES:
                examples.append(line)
    return Proof(compared, equal, tuple(examples))


def exact_ids(backend: Tokenizer, batch: list[str]) -> list[Int64[np.ndarray, " tokens"]]:
    """Encode some lines without special tokens around them."""
    encodings = backend.encode_batch_fast(batch, add_special_tokens=False)
    return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]


def batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Take so many lines at a time."""
    stream = iter(lines)
    while batch := list(islice(stream, BATCH_LINES)):
        yield batch
