"""What a tokenizer consists of: family, steps around its model, and its tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tokenizers import Tokenizer, models

from monoglot.errors import TokenizerError


class Family(StrEnum):
    """The kinds of tokenizer that monoglot reads and writes."""

    UNIGRAM = "unigram"
    SENTENCEPIECE_BPE = "sentencepiece-bpe"
    BYTE_LEVEL_BPE = "byte-level-bpe"
    WORDPIECE = "wordpiece"


class Role(StrEnum):
    """What a special token is for; tokens of the same role correspond, whatever their text."""

    BOS = "bos"
    EOS = "eos"
    PAD = "pad"
    MASK = "mask"
    CLS = "cls"
    SEP = "sep"
    UNK = "unk"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Token:
    """One token, described without regard to how its tokenizer writes it.

    Attributes:
        id: Row of the token in the vocabulary-sized tables.
        text: The token as the tokenizer's vocabulary writes it (``▁für``, ``fÃ¼r``, ``##en``).
        form: The UTF-8 bytes it stands for, without the marker of a word start; may be part of a character.
        word_start: Whether it begins a word; ``None`` where the tokenizer does not tell.
        roles: What it is for, if it is a special token; one token may serve several roles.
        is_byte: Whether it is a byte-fallback token (``<0x0A>``).
        unreachable: Whether the tokenizer never produces it (``##.``, where ``.`` is always split off).
    """

    id: int
    text: str
    form: bytes
    word_start: bool | None
    roles: frozenset[Role] = frozenset()
    is_byte: bool = False
    unreachable: bool = False


@dataclass(frozen=True)
class Parts:
    """The parts of a tokenizer.json around its model, each flattened to a list of steps."""

    normalizer: list[dict[str, Any]]
    pre_tokenizer: list[dict[str, Any]]
    post_processor: list[dict[str, Any]]
    decoder: list[dict[str, Any]]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Parts:
        """Read the parts of a tokenizer, without writing out its model, which may be 30 MB of JSON.

        Raises:
            TokenizerError: If a part is written in Python and therefore has no description.
        """
        names = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
        shell = Tokenizer(models.BPE())
        try:
            for name in names:
                if getattr(tokenizer, name) is not None:
                    setattr(shell, name, getattr(tokenizer, name))
            state = json.loads(shell.to_str())
        except Exception as error:  # tokenizers raises plain Exception
            raise TokenizerError(
                f"the tokenizer has a part written in Python ({error}); "
                "monoglot needs one that can be saved as tokenizer.json"
            ) from error
        return cls(*(_flat(state[name]) for name in names))

    def has(self, kind: str, *names: str) -> bool:
        """Tell whether one of the named parts (all, if none is named) has a step of this kind."""
        return any(step["type"] == kind for name in names or vars(self) for step in getattr(self, name))


def family_of(tokenizer: Tokenizer, parts: Parts) -> Family:
    """Tell the family of a tokenizer from its model and the steps around it.

    Raises:
        TokenizerError: If the tokenizer is of none of the families that monoglot knows.
    """
    model = tokenizer.model
    if isinstance(model, models.WordPiece):
        return Family.WORDPIECE
    marked = parts.has("ByteLevel") or replacement_of(parts) is not None
    if isinstance(model, models.Unigram) and marked:
        return Family.UNIGRAM
    if isinstance(model, models.BPE) and marked:
        if not model.end_of_word_suffix and not model.continuing_subword_prefix:
            return Family.BYTE_LEVEL_BPE if parts.has("ByteLevel") else Family.SENTENCEPIECE_BPE
        raise TokenizerError(
            f"the tokenizer is a BPE that marks word ends ({model.end_of_word_suffix!r}) or continuations "
            f"({model.continuing_subword_prefix!r}), which monoglot does not read; "
            "it reads Unigram, SentencePiece BPE, byte-level BPE and WordPiece"
        )
    raise TokenizerError(
        f"the tokenizer is a {type(model).__name__} model"
        + ("" if marked else " whose tokens have no spaces (no ByteLevel, no Metaspace step)")
        + ", which monoglot does not read; it reads Unigram, SentencePiece BPE, byte-level BPE and WordPiece"
    )


def replacement_of(parts: Parts) -> str | None:
    """Give the character that stands for a space in the vocabulary, if there is one."""
    for step in [*parts.pre_tokenizer, *parts.decoder]:
        if step["type"] == "Metaspace":
            return str(step["replacement"])
    for step in parts.normalizer:  # Llama, Gemma: Replace " " by "▁"
        if step["type"] == "Replace" and step["pattern"] == {"String": " "} and len(step["content"]) == 1:
            return str(step["content"])
    return None


def _flat(part: dict[str, Any] | None) -> list[dict[str, Any]]:
    if part is None:
        return []
    if part["type"] != "Sequence":
        return [part]
    steps = next(value for value in part.values() if isinstance(value, list))
    return [inner for step in steps for inner in _flat(step)]
