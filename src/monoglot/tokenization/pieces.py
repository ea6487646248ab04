"""Into which source tokens the source tokenizer cuts the text of each target token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Int64
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from monoglot.tokenization.cutting import make_cut
from monoglot.tokenization.parts import Parts
from monoglot.tokenization.roles import read_roles
from monoglot.tokenization.spelling import BYTE_OF
from monoglot.tokenization.token import Token
from monoglot.tokenization.vocabulary import Vocabulary, backend_of


@dataclass(frozen=True)
class Pieces:
    """Source ids for each of many target tokens: those of the ``i``-th are ``ids[indptr[i]:indptr[i + 1]]``.

    Attributes:
        indptr: Where the pieces of each token begin, and where the last ones end.
        ids: Source id of each piece, in the order of the text.
    """

    indptr: Int64[np.ndarray, " tokens_plus_one"]
    ids: Int64[np.ndarray, " pieces"]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def of(self, place: int) -> Int64[np.ndarray, " pieces"]:
        """Give the pieces of one token, by its place in the list of tokens."""
        return self.ids[self.indptr[place] : self.indptr[place + 1]]


def source_pieces(
    source_tokenizer: PreTrainedTokenizerBase | Tokenizer,
    vocabulary: Vocabulary,
    ids: Sequence[int] | Int64[np.ndarray, " tokens"],
) -> Pieces:
    """Cut the text of target tokens the way the source tokenizer would in the middle of a line.

    A token that begins a word is cut with the space before it, any other as the inside of a word, whatever
    the source tokenizer puts at the beginning of a text. A piece that is nothing but the space of a word
    start is left out if others remain. Parts of characters become the source's tokens for single bytes, if it
    has them. Unknown and special pieces are left out, and special target tokens have none: they are no text.

    Args:
        source_tokenizer: The tokenizer of the source model.
        vocabulary: The target vocabulary, of exact canonicalisation.
        ids: Target ids to cut.

    Returns:
        The pieces of each of ``ids``; none where the source has no way to spell the token.

    Raises:
        TokenizerError: If the source tokenizer is of a kind that monoglot does not read.
    """
    backend = backend_of(source_tokenizer)
    parts = Parts.of(backend)
    tokens = [vocabulary.by_id[id] for id in np.asarray(ids, dtype=np.int64).tolist()]
    texts = [_text(token) for token in tokens]
    rows = iter(make_cut(backend, parts)([text for text in texts if text is not None]))
    byte_ids = _byte_ids(backend, parts)
    dropped = set(read_roles(source_tokenizer, backend, parts))
    kept: list[list[int]] = []
    for token, text in zip(tokens, texts, strict=True):
        row = next(rows) if text is not None else [byte_ids[byte] for byte in token.form if byte in byte_ids]
        kept.append([] if token.roles else [id for id in row if id not in dropped])
    lengths = np.array([len(row) for row in kept], dtype=np.int64)
    return Pieces(
        indptr=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)]),
        ids=np.fromiter(chain.from_iterable(kept), dtype=np.int64, count=int(lengths.sum())),
    )


def _text(token: Token) -> str | None:
    """The text of a token, with the space before a word; ``None`` if it is only part of a character."""
    try:
        text = token.form.decode()
    except UnicodeDecodeError:
        return None
    return f" {text}" if token.word_start else text


def _byte_ids(backend: Tokenizer, parts: Parts) -> dict[int, int]:
    """The source's token for each single byte."""
    spelled = BYTE_OF if parts.has("ByteLevel") else {f"<0x{byte:02X}>": byte for byte in range(256)}
    ids = {byte: backend.token_to_id(text) for text, byte in spelled.items()}
    return {byte: id for byte, id in ids.items() if id is not None}
