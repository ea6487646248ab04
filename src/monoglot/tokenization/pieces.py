"""Segments texts as in the middle of a line, and target tokens into the source tokenizer's pieces."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64
from tokenizers import Encoding, Tokenizer, models
from transformers import PreTrainedTokenizerBase

from monoglot.maths.sparse import concatenated_ranges, offsets
from monoglot.tokenization.parts import Parts, Token, replacement_of
from monoglot.tokenization.roles import read_roles
from monoglot.tokenization.token_forms import BYTE_OF, is_isolated
from monoglot.tokenization.vocabulary import Vocabulary, backend_of

Segmenter = Callable[[list[str]], list[list[int]]]
"""Gives the source ids of each of many texts; a text that begins with a space begins a word."""

_UNKNOWN = "[unknown]"


def segmenter_of(tokenizer: PreTrainedTokenizerBase | Tokenizer) -> Segmenter:
    """Make the function that segments texts into a tokenizer's tokens, as in the middle of a line.

    Raises:
        TokenizerError: If the tokenizer is of a kind that monoglot does not read.
    """
    backend = backend_of(tokenizer)
    return make_segmenter(backend, Parts.of(backend))


def make_segmenter(backend: Tokenizer, parts: Parts) -> Segmenter:
    """Make the function that segments texts into the tokens of a tokenizer, as in the middle of a line."""
    if isinstance(backend.model, models.WordPiece):
        return _wordpiece_segmenter(backend, backend.model.continuing_subword_prefix)
    return _spaced_segmenter(backend, parts)


def _spaced_segmenter(backend: Tokenizer, parts: Parts) -> Segmenter:
    """Segment with a tokenizer whose tokens have spaces, made to add none of its own and to lose none."""
    bare = without_habits(backend, parts)
    own_id = _add_plain_tokens(bare, backend)
    space = bare.token_to_id("Ġ" if parts.has("ByteLevel") else replacement_of(parts) or "▁")

    def segment(texts: list[str]) -> list[list[int]]:
        rows = [encoding.ids for encoding in bare.encode_batch_fast(texts, add_special_tokens=False)]
        words = [row[1:] if len(row) > 1 and row[0] == space else row for row in rows]
        return [[own_id.get(id, id) for id in row] for row in words]

    return segment


def without_habits(backend: Tokenizer, parts: Parts) -> Tokenizer:
    """The tokenizer without added tokens and without what it does at the beginning of a text only."""
    bare = Tokenizer(backend.model)  # shares the model, which may be large
    _take_steps(bare, _shell(_inner_steps(parts)))
    return bare


def without_added_tokens(backend: Tokenizer) -> Tokenizer:
    """The tokenizer without added tokens."""
    bare = Tokenizer(backend.model)
    _take_steps(bare, backend)
    return bare


def _inner_steps(parts: Parts) -> dict[str, list[dict[str, Any]]]:
    """Normalizer and pre-tokenizer steps, less what puts a space before a text or takes one away."""
    changes: dict[str, dict[str, Any]] = {
        "Strip": {"strip_left": False},
        "Metaspace": {"prepend_scheme": "never"},
        "ByteLevel": {"add_prefix_space": False},
    }
    dropped = ("Prepend", "WhitespaceSplit")
    return {
        name: [step | changes.get(step["type"], {}) for step in steps if step["type"] not in dropped]
        for name, steps in (("normalizer", parts.normalizer), ("pre_tokenizer", parts.pre_tokenizer))
    }


def _shell(steps: dict[str, list[dict[str, Any]]]) -> Tokenizer:
    """An empty tokenizer with these steps: the way to make steps of their description."""
    inner = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers"}
    state = json.loads(Tokenizer(models.BPE()).to_str())
    for name, described in steps.items():
        state[name] = {"type": "Sequence", inner[name]: described} if described else None
    return Tokenizer.from_str(json.dumps(state))


def _take_steps(tokenizer: Tokenizer, other: Tokenizer) -> None:
    for name in ("normalizer", "pre_tokenizer"):
        if getattr(other, name) is not None:
            setattr(tokenizer, name, getattr(other, name))


def _add_plain_tokens(tokenizer: Tokenizer, source: Tokenizer) -> dict[int, int]:
    """Add the source's added tokens that are not special; gives their source ids by their ids here."""
    plain = {id: token for id, token in source.get_added_tokens_decoder().items() if not token.special}
    tokenizer.add_tokens(list(plain.values()))
    ids = {id: tokenizer.token_to_id(token.content) for id, token in plain.items()}
    return {here: id for id, here in ids.items() if here is not None}


def _wordpiece_segmenter(backend: Tokenizer, prefix: str) -> Segmenter:
    """Segment with WordPiece; a text that does not begin a word begins with a continuation (``##``).

    Continuations are segmented by a second model, which knows the ``##`` tokens only, without their ``##``.
    """
    starts = without_added_tokens(backend)
    own_id = _add_plain_tokens(starts, backend)
    continuing = {
        text.removeprefix(prefix): id
        for text, id in backend.get_vocab(with_added_tokens=False).items()
        if prefix and text.startswith(prefix) and text != prefix
    }
    numbered = {text: number for number, text in enumerate([_UNKNOWN, *continuing])}
    inside = Tokenizer(models.WordPiece(numbered, unk_token=_UNKNOWN, continuing_subword_prefix=""))
    _take_steps(inside, backend)
    continuing_ids = [None, *continuing.values()]

    def join(text: str, start: Encoding, inner: Encoding) -> list[int]:
        """The first word as a continuation if there are such pieces, the others as words."""
        words = [(word, own_id.get(id, id)) for id, word in zip(start.ids, start.word_ids, strict=True)]
        first = start.word_to_chars(0)
        if text.startswith(" ") or first is None or is_isolated(text[slice(*first)], backend):
            return [id for _, id in words]
        found = [continuing_ids[n] for n, word in zip(inner.ids, inner.word_ids, strict=True) if word == 0]
        continued = [id for id in found if id is not None]
        return [*continued, *(id for word, id in words if word != 0 or not continued)]

    def segment(texts: list[str]) -> list[list[int]]:
        encodings = (model.encode_batch(texts, add_special_tokens=False) for model in (starts, inside))
        return [join(*each) for each in zip(texts, *encodings, strict=True)]

    return segment


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

    def select(self, places: Int64[np.ndarray, " places"]) -> Pieces:
        """Give the pieces of some tokens, in the order given."""
        lengths = np.diff(self.indptr)[places]
        return Pieces(offsets(lengths), self.ids[concatenated_ranges(self.indptr[places], lengths)])

    def kept(self, keep: Bool[np.ndarray, " pieces"]) -> Pieces:
        """Give the same tokens with some of their pieces only."""
        return Pieces(np.concatenate([[0], np.cumsum(keep)])[self.indptr], self.ids[keep])


def source_pieces(
    source_tokenizer: PreTrainedTokenizerBase | Tokenizer,
    vocabulary: Vocabulary,
    ids: Sequence[int] | Int64[np.ndarray, " tokens"],
) -> Pieces:
    """Segment the text of target tokens the way the source tokenizer would in the middle of a line.

    A token that begins a word is segmented with the space before it, any other as the inside of a word,
    whatever the source tokenizer puts at the beginning of a text. A piece that is nothing but the space of a
    word start is left out if others remain. Parts of characters become the source's tokens for single bytes,
    if it has them. Unknown and special pieces are left out, and special target tokens have none: they are no
    text.

    Args:
        source_tokenizer: The tokenizer of the source model.
        vocabulary: The target vocabulary, of exact canonicalization.
        ids: Target ids to segment.

    Returns:
        The pieces of each of ``ids``; none where the source has none for the token.

    Raises:
        TokenizerError: If the source tokenizer is of a kind that monoglot does not read.
    """
    backend = backend_of(source_tokenizer)
    parts = Parts.of(backend)
    tokens = [vocabulary.by_id[id] for id in np.asarray(ids, dtype=np.int64).tolist()]
    texts = [_text(token) for token in tokens]
    rows = iter(make_segmenter(backend, parts)([text for text in texts if text is not None]))
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
    written = BYTE_OF if parts.has("ByteLevel") else {f"<0x{byte:02X}>": byte for byte in range(256)}
    ids = {byte: backend.token_to_id(text) for text, byte in written.items()}
    return {byte: id for byte, id in ids.items() if id is not None}
