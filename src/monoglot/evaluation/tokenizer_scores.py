"""How well a tokenizer fits a text: fertility, continued words, Rényi efficiency, unknown and byte tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Int64
from tokenizers import Encoding, Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.evaluation.token_scores import character_kinds, last_characters, spaced_words
from monoglot.tokenization.vocabulary import id_rows, plain_backend

BATCH_LINES = 1000
RENYI_ORDER = 2.5
"""Of all orders, the one that goes best with translation quality (Zouhar et al. 2023)."""
RATIOS = (
    "fertility",
    "bytes_per_token",
    "continued_share",
    "unknown_share",
    "byte_share",
    "never_used_share",
)


@dataclass(frozen=True)
class TokenizerScores:
    """Counts of tokens over one text, without special tokens.

    Attributes:
        lines: Lines of the text.
        words: Words, as separated by whitespace.
        continued_words: How many of them are segmented into more than one token.
        bytes: UTF-8 bytes, line ends not counted.
        tokens: Tokens that the text is segmented into.
        unknown_tokens: How many of them are the unknown token.
        unknown_bytes: Bytes of the text that it stands for.
        byte_tokens: How many of them are single bytes of characters that the vocabulary lacks.
        vocabulary: Tokens that the tokenizer has, special ones not counted.
        used_vocabulary: How many of them occur in the text.
        renyi_efficiency: Rényi entropy (order 2.5) of the tokens' frequencies, as a share of what it would be
            if the text used the whole vocabulary evenly.
    """

    lines: int
    words: int
    continued_words: int
    bytes: int
    tokens: int
    unknown_tokens: int
    unknown_bytes: int
    byte_tokens: int
    vocabulary: int
    used_vocabulary: int
    renyi_efficiency: float

    @property
    def fertility(self) -> float:
        """Tokens per word; says little where words are not separated by spaces."""
        return self.tokens / max(1, self.words)

    @property
    def bytes_per_token(self) -> float:
        """Bytes per token: comparable in every script."""
        return self.bytes / max(1, self.tokens)

    @property
    def continued_share(self) -> float:
        """Share of words that are segmented into more than one token (Rust et al. 2021)."""
        return self.continued_words / max(1, self.words)

    @property
    def unknown_share(self) -> float:
        """Share of the text's bytes that the unknown token stands for: one token may swallow a whole line."""
        return self.unknown_bytes / max(1, self.bytes)

    @property
    def byte_share(self) -> float:
        """Share of tokens that are single bytes, of a tokenizer that falls back to these."""
        return self.byte_tokens / max(1, self.tokens)

    @property
    def never_used_share(self) -> float:
        """Share of the vocabulary that the text never uses; a longer text uses more of it."""
        return 1 - self.used_vocabulary / max(1, self.vocabulary)

    def to_dict(self) -> dict[str, float]:
        """Counts and ratios, for JSON."""
        return vars(self) | {name: getattr(self, name) for name in RATIOS}


@dataclass(frozen=True)
class Parity:
    """The length of the same sentences in two languages (Petrov et al. 2023).

    Attributes:
        pairs: Sentences.
        tokens: Tokens in the first language.
        other_tokens: Tokens in the second language.
    """

    pairs: int
    tokens: int
    other_tokens: int

    @property
    def ratio(self) -> float:
        """How many times as many tokens the first language needs."""
        return self.tokens / max(1, self.other_tokens)

    def to_dict(self) -> dict[str, float]:
        """Counts and ratio, for JSON."""
        return vars(self) | {"ratio": self.ratio}


def score_tokenizer(tokenizer: PreTrainedTokenizerFast, lines: Iterable[str]) -> TokenizerScores:
    """Count the tokens of a text.

    Args:
        tokenizer: The tokenizer to score.
        lines: The text.

    Returns:
        Counts from which fertility and the like follow.
    """
    backend = plain_backend(tokenizer)
    used = np.zeros(max(1, id_rows(backend)), np.int64)
    n_lines = words = continued = size_bytes = unknown_bytes = 0
    unknown = tokenizer.unk_token_id
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH_LINES)):
        encodings = backend.encode_batch(batch, add_special_tokens=False)
        for line, encoding in zip(batch, encodings, strict=True):
            continued += _continued_words(line, np.array(encoding.offsets, np.int64).reshape(-1, 2))
            unknown_bytes += _bytes_of(line, encoding, unknown)
        ids = np.concatenate([np.array(encoding.ids, np.int64) for encoding in encodings])
        used += np.bincount(ids, minlength=len(used))
        n_lines += len(batch)
        words += sum(len(line.split()) for line in batch)
        size_bytes += sum(len(line.encode()) for line in batch)
    special = [id for id, token in backend.get_added_tokens_decoder().items() if token.special]
    ordinary = np.delete(np.arange(len(used)), special)
    return TokenizerScores(
        lines=n_lines,
        words=words,
        continued_words=continued,
        bytes=size_bytes,
        tokens=int(used.sum()),
        unknown_tokens=int(used[unknown]) if unknown is not None else 0,
        unknown_bytes=unknown_bytes,
        byte_tokens=int(used[_byte_ids(backend)].sum()),
        vocabulary=backend.get_vocab_size() - len(special),
        used_vocabulary=int((used[ordinary] > 0).sum()),
        renyi_efficiency=renyi_efficiency(used, backend.get_vocab_size()),
    )


def score_parity(
    tokenizer: PreTrainedTokenizerFast, sentences: Sequence[str], others: Sequence[str]
) -> Parity:
    """Compare the length of sentences and of their translations.

    Args:
        tokenizer: The tokenizer to score.
        sentences: Text in the first language.
        others: The same in another language, in the same order.
    """
    backend = plain_backend(tokenizer)
    first, second = (
        sum(len(e.ids) for e in backend.encode_batch_fast(list(text), add_special_tokens=False))
        for text in (sentences, others)
    )
    return Parity(len(sentences), first, second)


def renyi_efficiency(
    counts: Int64[np.ndarray, " tokens"], vocabulary: int, order: float = RENYI_ORDER
) -> float:
    """Compute the Rényi efficiency of a distribution of tokens (Zouhar et al. 2023): entropy / log |V|."""
    if not counts.any() or vocabulary < 2:
        return 0.0
    shares = counts[counts > 0] / counts.sum()
    return float(np.log((shares**order).sum()) / (1 - order) / math.log(vocabulary))


def _continued_words(line: str, offsets: Int64[np.ndarray, "tokens 2"]) -> int:
    """How many words of a line have more than one token; tokens of whitespace alone are not counted."""
    if not len(offsets):
        return 0
    last = last_characters(line, offsets)
    space, _ = character_kinds(line)
    solid = last[~space[last]]
    return int((np.bincount(spaced_words(line)[solid]) > 1).sum())


def _bytes_of(line: str, encoding: Encoding, id: int | None) -> int:
    """The bytes of a line that the tokens with this id stand for."""
    if id is None or id not in encoding.ids:
        return 0
    spans = [span for span, token in zip(encoding.offsets, encoding.ids, strict=True) if token == id]
    return sum(len(line[start:end].encode()) for start, end in spans)


def _byte_ids(backend: Tokenizer) -> list[int]:
    """The ids of byte-fallback tokens."""
    found = [backend.token_to_id(f"<0x{byte:02X}>") for byte in range(256)]
    return [id for id in found if id is not None]
