"""What each token of a tokenizer stands for, in bytes, whatever the tokenizer's family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Int64
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerBase

from monoglot.errors import TokenizerError
from monoglot.tokenization.parts import Family, Parts, Role, Token, family_of
from monoglot.tokenization.reference import reference_forms
from monoglot.tokenization.roles import read_roles
from monoglot.tokenization.token_forms import TokenForm, added_form, byte_reader, form_reader

__all__ = ["Canonicalization", "Family", "Role", "Token", "Vocabulary", "backend_of", "plain_backend"]

Canonicalization = Literal["exact", "reference"]


@dataclass(frozen=True)
class Vocabulary:
    """All tokens of a tokenizer, in ascending order of id; ids may have gaps.

    Attributes:
        family: The kind of tokenizer.
        tokens: The tokens, added ones included.
        canonicalization: Whether forms are exact bytes or those of the reference implementation.
    """

    family: Family
    tokens: tuple[Token, ...] = field(repr=False)
    canonicalization: Canonicalization = "exact"

    @classmethod
    def of(
        cls, tokenizer: PreTrainedTokenizerBase | Tokenizer, *, canonicalization: Canonicalization = "exact"
    ) -> Vocabulary:
        """Derive the vocabulary of a tokenizer from its tokenizer.json.

        Args:
            tokenizer: A fast tokenizer; a transformers one also tells what its special tokens are for.
            canonicalization: ``exact`` as described in ``token_forms``, ``reference`` as in ``reference``.

        Raises:
            TokenizerError: If the tokenizer has no tokenizer.json, is of an unknown kind, or has an id twice.
        """
        backend = backend_of(tokenizer)
        parts = Parts.of(backend)
        family = family_of(backend, parts)
        texts = _texts_by_id(backend)
        roles = read_roles(tokenizer, backend, parts)
        if canonicalization == "reference":
            forms = reference_forms(tokenizer, backend, texts)
            tokens = tuple(
                Token(id, text, found.form, found.word_start, roles.get(id, frozenset()))
                for (id, text), found in zip(texts.items(), forms, strict=True)
            )
        else:
            tokens = _exact_tokens(backend, parts, texts, roles)
        return cls(family, tokens, canonicalization)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def size(self) -> int:
        """Number of rows that the vocabulary spans: the highest id plus one."""
        return self.tokens[-1].id + 1 if self.tokens else 0

    @cached_property
    def ids(self) -> Int64[np.ndarray, " tokens"]:
        """The id of each token, ascending."""
        return np.fromiter((token.id for token in self.tokens), dtype=np.int64, count=len(self.tokens))

    @cached_property
    def by_id(self) -> Mapping[int, Token]:
        """The tokens by id."""
        return MappingProxyType({token.id: token for token in self.tokens})

    @cached_property
    def by_text(self) -> Mapping[str, Token]:
        """The tokens by their text in the tokenizer's vocabulary."""
        return MappingProxyType({token.text: token for token in self.tokens})

    @cached_property
    def special(self) -> tuple[Token, ...]:
        """The tokens that serve a role, ``Role.CONTROL`` included."""
        return tuple(token for token in self.tokens if token.roles)

    @cached_property
    def by_role(self) -> Mapping[Role, Token]:
        """The token of each named role (not ``Role.CONTROL``); the lowest id where several serve it."""
        serving = {role: token for token in reversed(self.special) for role in token.roles}
        return MappingProxyType({role: token for role, token in serving.items() if role is not Role.CONTROL})

    @cached_property
    def byte_tokens(self) -> Mapping[int, Token]:
        """The byte-fallback token of each byte that has one."""
        return MappingProxyType({token.form[0]: token for token in reversed(self.tokens) if token.is_byte})


def backend_of(tokenizer: PreTrainedTokenizerBase | Tokenizer) -> Tokenizer:
    """Give the ``tokenizers.Tokenizer`` behind a tokenizer.

    Raises:
        TokenizerError: If there is none, as with tokenizers written in Python.
    """
    backend = tokenizer if isinstance(tokenizer, Tokenizer) else getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise TokenizerError(
            f"{type(tokenizer).__name__} has no tokenizer.json behind it; "
            "monoglot needs a fast tokenizer (convert it, or choose a model that ships tokenizer.json)"
        )
    return backend


def ids_of_texts(tokenizer: PreTrainedTokenizerBase | Tokenizer, texts: Iterable[str]) -> dict[str, int]:
    """Give the ids of those texts that are tokens, without a copy of the whole vocabulary."""
    id_of = backend_of(tokenizer).token_to_id
    found = ((text, id_of(text)) for text in texts)
    return {text: id for text, id in found if id is not None}


def forms_of_ids(tokenizer: PreTrainedTokenizerBase | Tokenizer, ids: Iterable[int]) -> dict[int, bytes]:
    """Give what some tokens stand for, without describing the whole vocabulary.

    Args:
        tokenizer: A fast tokenizer.
        ids: Ids that it has.

    Raises:
        TokenizerError: If the tokenizer is of an unknown kind.
    """
    backend = backend_of(tokenizer)
    parts = Parts.of(backend)
    family_of(backend, parts)
    texts = {id: text for id in ids if (text := backend.id_to_token(id)) is not None}
    tokens = _exact_tokens(backend, parts, texts, read_roles(tokenizer, backend, parts))
    return {token.id: token.form for token in tokens}


def id_rows(tokenizer: Tokenizer) -> int:
    """How many rows ids span: the largest one plus one; more than there are tokens where ids have gaps."""
    if isinstance(tokenizer.model, models.Unigram):  # its ids are places in a list: spares a copy of them all
        added = max(tokenizer.get_added_tokens_decoder(), default=-1) + 1
        return max(tokenizer.get_vocab_size(with_added_tokens=False), added)
    return max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1


def plain_backend(tokenizer: PreTrainedTokenizerBase | Tokenizer) -> Tokenizer:
    """Give the ``tokenizers.Tokenizer`` behind a tokenizer, or a copy that neither truncates nor pads.

    Many models ship a tokenizer.json that truncates or pads texts: statistics of whole
    texts must not go through that. A copy takes seconds for a large vocabulary, so one is made only then.
    """
    backend = backend_of(tokenizer)
    if backend.truncation is None and backend.padding is None:
        return backend
    backend = Tokenizer.from_str(backend.to_str())
    backend.no_truncation()
    backend.no_padding()
    return backend


@contextmanager
def as_it_was(*tokenizers: PreTrainedTokenizerBase) -> Iterator[None]:
    """Undo what calls of tokenizers leave behind: the truncation and padding of the last one."""
    backends = [backend_of(tokenizer) for tokenizer in tokenizers]
    before = [(backend.truncation, backend.padding) for backend in backends]
    try:
        yield
    finally:
        for backend, (truncation, padding) in zip(backends, before, strict=True):
            backend.enable_truncation(**truncation) if truncation else backend.no_truncation()
            backend.enable_padding(**padding) if padding else backend.no_padding()


def _texts_by_id(backend: Tokenizer) -> dict[int, str]:
    """The text of each token as the vocabulary has it, ascending by id."""
    if isinstance(backend.model, models.Unigram):  # asked by id, as a copy of the vocabulary takes longer
        named = ((id, backend.id_to_token(id)) for id in range(id_rows(backend)))
        ascending = {id: text for id, text in named if text is not None}
        if len(ascending) == len(set(ascending.values())) == backend.get_vocab_size(with_added_tokens=True):
            return ascending
    vocabulary = backend.get_vocab(with_added_tokens=True)
    texts = {id: text for text, id in vocabulary.items()}
    if len(texts) < len(vocabulary):
        text, id = next((text, id) for text, id in sorted(vocabulary.items()) if texts[id] != text)
        raise TokenizerError(
            f"the tokenizer gives id {id} to both {text!r} and {texts[id]!r}; each token needs its own id"
        )
    return {id: texts[id] for id in sorted(texts)}


def _exact_tokens(
    backend: Tokenizer, parts: Parts, texts: Mapping[int, str], roles: Mapping[int, frozenset[Role]]
) -> tuple[Token, ...]:
    added = backend.get_added_tokens_decoder()
    read_form = form_reader(backend, parts)
    read_byte = byte_reader(backend, parts)
    tokens = []
    for id, text in texts.items():
        byte = None
        if id in roles:
            found = TokenForm(text.encode(), None)
        elif id in added:
            found = added_form(text, parts)
        elif (byte := read_byte(text)) is not None:
            found = TokenForm(bytes([byte]), None)
        else:
            found = read_form(text)
        form, word_start, unreachable = found
        tokens.append(
            Token(id, text, form, word_start, roles.get(id, frozenset()), byte is not None, unreachable)
        )
    return tuple(tokens)
