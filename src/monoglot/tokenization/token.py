"""One token of a tokenizer, described without regard to how its tokenizer spells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """The kinds of tokenizer that monoglot reads and writes."""

    UNIGRAM = "unigram"
    SENTENCEPIECE_BPE = "sentencepiece-bpe"
    BYTE_LEVEL_BPE = "byte-level-bpe"
    WORDPIECE = "wordpiece"


class Role(StrEnum):
    """What a special token is for; tokens of the same role correspond, whatever their spelling."""

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
    """One token, described without regard to how its tokenizer spells it.

    Attributes:
        id: Row of the token in the vocabulary-sized tables.
        text: The token as the tokenizer's vocabulary spells it (``▁für``, ``fÃ¼r``, ``##en``).
        form: The UTF-8 bytes it stands for, without the marker of a word start; may be part of a character.
        word_start: Whether it begins a word; ``None`` where the tokenizer does not tell (see ``spelling``).
        roles: What it is for, if it is a special token; one token may serve several roles.
        is_byte: Whether it is a byte-fallback token (``<0x0A>``).
        unreachable: Whether the tokenizer never produces it (``##.``, where ``.`` is always cut off).
    """

    id: int
    text: str
    form: bytes
    word_start: bool | None
    roles: frozenset[Role] = frozenset()
    is_byte: bool = False
    unreachable: bool = False
