"""The special tokens that a tokenizer puts around a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from transformers import PreTrainedTokenizerFast

from monoglot.errors import TokenizerError
from monoglot.tokenization.vocabulary import plain_backend

PROBES = ("0", "a", "e", "o", ".", "是", "अ", "ا", "а")
"""Texts that are encoded to see what is put around them."""


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
        """Find out by encoding a text with and without special tokens.

        Raises:
            TokenizerError: If the tokenizer can't encode any text that is tried.
        """
        backend = plain_backend(tokenizer)
        # A tokenizer may have no token for the first, and none for what it does not know.
        probe = next((text for text in PROBES if backend.encode(text, add_special_tokens=False).ids), None)
        if probe is None:
            raise TokenizerError(
                f"the tokenizer has no token for any of {', '.join(PROBES)}, and none for unknown text; "
                "expected one that can encode a letter: give another model"
            )
        plain = backend.encode(probe, add_special_tokens=False).ids
        framed = backend.encode(probe).ids
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
