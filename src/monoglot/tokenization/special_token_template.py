"""The special tokens that a tokenizer puts around a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import plain_backend

PROBE = "0"


@dataclass(frozen=True)
class SpecialTokenTemplate:
    """Special tokens that the tokenizer's post-processor puts before and after a text.

    Attributes:
        before: Ids before it, such as that of ``<s>``.
        after: Ids behind it, such as that of ``</s>``.
    """

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> Self:
        """Find out by encoding a text with and without special tokens."""
        backend = plain_backend(tokenizer)
        plain = backend.encode(PROBE, add_special_tokens=False).ids
        framed = backend.encode(PROBE).ids
        starts = range(len(framed) - len(plain) + 1)
        start = next(i for i in starts if framed[i : i + len(plain)] == plain)
        return cls(tuple(framed[:start]), tuple(framed[start + len(plain) :]))

    def end_of(self, tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
        """What has to be put behind a document: the token that ends texts, where the frame has none.

        Many decoders' tokenizers, such as those of Llama and Qwen, put nothing behind a text.
        """
        eos = tokenizer.eos_token_id
        return (eos,) if isinstance(eos, int) and eos not in self.after else ()

    @property
    def tokens(self) -> int:
        """How many tokens the frame adds to a document."""
        return len(self.before) + len(self.after)
