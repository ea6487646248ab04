"""How well a tokenizer fits a text: fertility, bytes a token, unknown tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice

from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import plain_backend

BATCH_LINES = 1000


@dataclass(frozen=True)
class TokenizerScores:
    """Counts over one text, without special tokens.

    Attributes:
        lines: Lines of the text.
        words: Words, as separated by whitespace.
        bytes: UTF-8 bytes, line ends not counted.
        tokens: Tokens that the text is cut into.
        unknown_tokens: How many of them are the unknown token.
    """

    lines: int
    words: int
    bytes: int
    tokens: int
    unknown_tokens: int

    @property
    def fertility(self) -> float:
        """Tokens a word; says little where words are not separated by spaces."""
        return self.tokens / max(1, self.words)

    @property
    def bytes_per_token(self) -> float:
        """Bytes a token: comparable in every script."""
        return self.bytes / max(1, self.tokens)

    @property
    def unknown_share(self) -> float:
        """Share of tokens that are the unknown token."""
        return self.unknown_tokens / max(1, self.tokens)

    def as_dict(self) -> dict[str, float]:
        """Counts and ratios, for JSON."""
        ratios = ("fertility", "bytes_per_token", "unknown_share")
        return vars(self) | {name: getattr(self, name) for name in ratios}


def score_tokenizer(tokenizer: PreTrainedTokenizerFast, lines: Iterable[str]) -> TokenizerScores:
    """Count the tokens of a text.

    Args:
        tokenizer: The tokenizer to score.
        lines: The text.

    Returns:
        Counts from which fertility and the like follow.
    """
    counts = dict.fromkeys(("lines", "words", "bytes", "tokens", "unknown_tokens"), 0)
    unknown = tokenizer.unk_token_id
    backend = plain_backend(tokenizer)
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH_LINES)):
        encodings = backend.encode_batch_fast(batch, add_special_tokens=False)
        counts["lines"] += len(batch)
        counts["words"] += sum(len(line.split()) for line in batch)
        counts["bytes"] += sum(len(line.encode()) for line in batch)
        counts["tokens"] += sum(len(encoding.ids) for encoding in encodings)
        ids = chain.from_iterable(encoding.ids for encoding in encodings)
        counts["unknown_tokens"] += sum(token == unknown for token in ids) if unknown is not None else 0
    return TokenizerScores(**counts)
