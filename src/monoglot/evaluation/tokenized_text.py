"""A text as tokens, and the special ones that its tokenizer puts around each line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import plain_backend
from monoglot.training.packing import Frame


@dataclass(frozen=True)
class TokenizedText:
    """Lines of text as a tokenizer cuts them; nothing is cut off.

    Attributes:
        lines: The text.
        ids: The tokens of each line, without special ones.
        offsets: First and last-plus-one character of each of them.
        before: Special tokens that the tokenizer puts in front of a line.
        after: Special tokens that it puts at the end.
    """

    lines: Sequence[str]
    ids: list[Int64[np.ndarray, " tokens"]]
    offsets: list[Int64[np.ndarray, "tokens 2"]]
    before: Int64[np.ndarray, " before"]
    after: Int64[np.ndarray, " after"]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> TokenizedText:
        """Cut lines into tokens."""
        backend = plain_backend(tokenizer)
        encodings = backend.encode_batch(list(lines), add_special_tokens=False)
        frame = Frame.of(tokenizer)
        return cls(
            lines,
            [np.array(encoding.ids, np.int64) for encoding in encodings],
            [np.array(encoding.offsets, np.int64).reshape(-1, 2) for encoding in encodings],
            np.array(frame.before, np.int64),
            np.array(frame.after, np.int64),
        )

    def longest_first(self) -> list[int]:
        """Line numbers by length: neighbours share a batch, and what is too long shows at once."""
        return sorted(range(len(self.ids)), key=lambda line: -len(self.ids[line]))
