"""Which target tokens the source vocabulary has, by role, bytes and word start; and which are missing."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64, UInt8
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from monoglot.errors import SettingError
from monoglot.tokenization.parts import Token
from monoglot.tokenization.roles import counterpart
from monoglot.tokenization.vocabulary import Vocabulary


class MatchKind(IntEnum):
    """Why two tokens were taken to be the same."""

    ROLE = 0
    EXACT = 1
    BYTE = 2
    FUZZY = 3


Partner = tuple[int, MatchKind]
"""The source id of a target token, and why it is the partner."""

Find = Callable[[Token], Partner | None]
"""Gives the partner of a target token, if it has one."""

_WORD_STARTS: Mapping[bool | None, tuple[bool | None, ...]] = {
    True: (True, None),
    False: (False, None),
    None: (None, False, True),
}
"""The word starts of source tokens that may meet a target token's, best first."""


def exactly(source: Vocabulary) -> Find:
    """Find partners by role, by form and word start, by byte."""
    same = {(token.form, token.word_start): token.id for token in _plain(source)}
    by_text = {token.text: token.id for token in source.tokens if token.roles or token.unreachable}

    def find(token: Token) -> Partner | None:
        if token.roles:
            other = counterpart(token.roles, source.by_role)
            if other is not None:
                return other.id, MatchKind.ROLE
            return _found(by_text.get(token.text), MatchKind.EXACT)
        if token.unreachable and token.text in by_text:
            return by_text[token.text], MatchKind.EXACT
        if token.is_byte and token.form[0] in source.byte_tokens:
            return source.byte_tokens[token.form[0]].id, MatchKind.EXACT
        for word_start in (None, False) if token.is_byte else _WORD_STARTS[token.word_start]:
            id = same.get((token.form, word_start))
            if id is not None:
                return id, MatchKind.BYTE if token.is_byte else MatchKind.EXACT
        if len(token.form) == 1 and not token.word_start and token.form[0] in source.byte_tokens:
            return source.byte_tokens[token.form[0]].id, MatchKind.BYTE
        return None

    return find


def fuzzily(source: Vocabulary) -> Find:
    """Find partners exactly, else by form whatever its case and word start.

    Among several, one with the target token's word start counts first, then the lowest id, which in most
    vocabularies is the most frequent token.
    """
    exact = exactly(source)
    alike: dict[bytes, dict[bool | None, int]] = defaultdict(dict)
    for token in _plain(source):
        alike[_caseless(token.form)].setdefault(token.word_start, token.id)

    def find(token: Token) -> Partner | None:
        partner = exact(token)
        if partner is not None or token.roles or token.is_byte:
            return partner
        candidates = alike.get(_caseless(token.form), {})
        order = (token.word_start, None, False, True)
        return _found(
            next((candidates[start] for start in order if start in candidates), None), MatchKind.FUZZY
        )

    return find


def symbolically(source: Vocabulary) -> Find:
    """Find partners exactly, but only of special tokens, numbers, punctuation and whitespace."""
    exact = exactly(source)
    return lambda token: exact(token) if token.roles or is_symbolic(token.form) else None


def canonically(source: Vocabulary) -> Find:
    """Find partners by the reference's canonical forms alone; the highest source id counts."""
    ids = {(token.form, token.word_start): token.id for token in source.tokens}
    return lambda token: _found(ids.get((token.form, token.word_start)), MatchKind.EXACT)


FINDERS: Mapping[str, Callable[[Vocabulary], Find]] = {
    "exact": exactly,
    "fuzzy": fuzzily,
    "symbols": symbolically,
    "reference": canonically,
}
"""What gives the partners under each strategy."""


def is_symbolic(form: bytes) -> bool:
    """Tell whether a form is all numbers, punctuation, other symbols and whitespace (Unicode N, P, S, Z)."""
    try:
        text = form.decode()
    except UnicodeDecodeError:
        return False
    return all(unicodedata.category(character)[0] in "NPSZ" or character.isspace() for character in text)


def collisions(vocabulary: Vocabulary) -> list[tuple[Token, ...]]:
    """Give the groups of tokens that can't be told apart: one form, one word start, and none is special."""
    groups: dict[tuple[bytes, bool | None, bool], list[Token]] = defaultdict(list)
    for token in vocabulary.tokens:
        if not (token.roles or token.unreachable) or vocabulary.canonicalization == "reference":
            groups[token.form, token.word_start, token.is_byte].append(token)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _plain(vocabulary: Vocabulary) -> list[Token]:
    """The tokens that are produced from text, and are not for single bytes."""
    return [t for t in vocabulary.tokens if not (t.roles or t.is_byte or t.unreachable)]


def _found(id: int | None, kind: MatchKind) -> Partner | None:
    return None if id is None else (id, kind)


def _caseless(form: bytes) -> bytes:
    try:
        return form.decode().lower().encode()
    except UnicodeDecodeError:
        return form


__all__ = ["MatchKind", "Overlap", "Strategy", "collisions", "match"]

Strategy = Literal["exact", "fuzzy", "symbols", "reference"]

_ARRAYS = ("source_ids", "target_ids", "kinds", "missing")


@dataclass(frozen=True)
class Overlap:
    """Pairs of corresponding tokens, in ascending order of target id, and the target ids without a partner.

    Attributes:
        source_ids: Source id of each pair; one source token may serve several target tokens.
        target_ids: Target id of each pair, ascending, each at most once.
        kinds: A ``MatchKind`` for each pair.
        missing: Target ids without a partner, ascending.
    """

    source_ids: Int64[np.ndarray, " pairs"]
    target_ids: Int64[np.ndarray, " pairs"]
    kinds: UInt8[np.ndarray, " pairs"]
    missing: Int64[np.ndarray, " missing"]

    def __len__(self) -> int:
        return len(self.target_ids)

    @cached_property
    def source_of(self) -> Mapping[int, int]:
        """The source id by target id."""
        pairs = zip(self.target_ids.tolist(), self.source_ids.tolist(), strict=True)
        return MappingProxyType(dict(pairs))

    def count(self, kind: MatchKind) -> int:
        """Count the pairs of one kind."""
        return int(np.count_nonzero(self.kinds == kind))

    def where(self, keep: Bool[np.ndarray, " pairs"]) -> Overlap:
        """Some of the pairs; what is missing stays missing."""
        return Overlap(self.source_ids[keep], self.target_ids[keep], self.kinds[keep], self.missing)

    def save(self, path: Path) -> None:
        """Write the four arrays as safetensors."""
        save_file({name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}, path)

    @classmethod
    def load(cls, path: Path) -> Overlap:
        """Read what ``save`` wrote.

        Raises:
            SettingError: If the file is not an overlap.
        """
        try:
            arrays = load_file(path)
        except (OSError, SafetensorError) as error:
            raise SettingError(
                f"{path} can't be read as an overlap ({error}); make it again with match()"
            ) from error
        if set(arrays) != set(_ARRAYS):
            raise SettingError(
                f"{path} holds the arrays {', '.join(sorted(arrays)) or 'none'}, but an overlap has "
                f"{', '.join(_ARRAYS)}; make it again with match()"
            )
        return cls(**arrays)


def match(source: Vocabulary, target: Vocabulary, *, strategy: Strategy = "exact") -> Overlap:
    """Find for each target token the source token that is the same.

    Special tokens meet only special tokens: by role (see ``roles.counterpart``), else by text. All others
    meet by form and word start. A token that does not tell its word start (``None``) meets either: candidates
    are tried in the order of the target token's own word start, ``None``, and, if its own is ``None``,
    ``False`` and ``True``. A byte-fallback token meets that of the same byte, else a one-byte token that is
    not a word start; a one-byte token that finds nothing else meets the byte-fallback token. A source token
    that its tokenizer never produces (``unreachable``) meets only its like.

    If several source tokens have one form and one word start, the highest id counts: only an added token can
    repeat a token of the model, and a tokenizer looks for added tokens first. ``collisions`` lists them.

    Args:
        source: Vocabulary of the model available.
        target: Vocabulary to be initialized; ids without a token are in neither list of the result.
        strategy: ``exact``; ``fuzzy``, which then also ignores case and word start; ``symbols``, special
            tokens, numbers, punctuation and whitespace only; ``reference``, equality of the canonical forms
            of ``deepfocus`` alone, the highest source id counting (FOCUS, Dobler & de Melo 2023).

    Raises:
        SettingError: If the vocabularies' canonicalization is not the one that the strategy needs.
    """
    needed = "reference" if strategy == "reference" else "exact"
    if not source.canonicalization == target.canonicalization == needed:
        raise SettingError(
            f"strategy {strategy!r} needs vocabularies made with canonicalization={needed!r}, but the "
            f"source's is {source.canonicalization!r} and the target's {target.canonicalization!r}"
        )
    find = FINDERS[strategy](source)
    source_ids = np.full(len(target), -1, dtype=np.int64)
    kinds = np.zeros(len(target), dtype=np.uint8)
    for place, token in enumerate(target.tokens):
        partner = find(token)
        if partner is not None:
            source_ids[place], kinds[place] = partner
    found = source_ids >= 0
    return Overlap(source_ids[found], target.ids[found], kinds[found], missing=target.ids[~found])
