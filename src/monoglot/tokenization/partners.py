"""How the partner of one target token is found in a source vocabulary, for each matching strategy."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping
from enum import IntEnum

from monoglot.tokenization.roles import counterpart
from monoglot.tokenization.token import Token
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
    spelled = {token.text: token.id for token in source.tokens if token.roles or token.unreachable}

    def find(token: Token) -> Partner | None:
        if token.roles:
            other = counterpart(token.roles, source.by_role)
            if other is not None:
                return other.id, MatchKind.ROLE
            return _found(spelled.get(token.text), MatchKind.EXACT)
        if token.unreachable and token.text in spelled:
            return spelled[token.text], MatchKind.EXACT
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
