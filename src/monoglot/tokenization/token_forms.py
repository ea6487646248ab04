"""What a token stands for: its bytes, and whether it begins a word, whatever the tokenizer's family."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tokenizers import Tokenizer, models

from monoglot.tokenization.parts import Parts, replacement_of


class TokenForm(NamedTuple):
    """The form of a token, whether it begins a word, and whether the tokenizer never produces it."""

    form: bytes
    word_start: bool | None
    unreachable: bool = False


METASPACE = "▁"
"""SentencePiece's sign for a space."""
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def form_reader(tokenizer: Tokenizer, parts: Parts) -> Callable[[str], TokenForm]:
    """Give the function that takes a token of the model's vocabulary to its form and word start."""
    model = tokenizer.model
    if isinstance(model, models.WordPiece):
        return _wordpiece_forms(tokenizer, model.continuing_subword_prefix)
    if parts.has("ByteLevel"):
        return lambda text: _from_surface(byte_level_surface(text))
    replacement = replacement_of(parts) or METASPACE
    return lambda text: _from_surface(text.replace(replacement, " ").encode())


def added_form(text: str, parts: Parts) -> TokenForm:
    """Give the form of an added token that is not special; it is found anywhere, at a word start or not."""
    replacement = replacement_of(parts)
    surface = text.replace(replacement, " ") if replacement else text
    form, word_start, _ = _from_surface(surface.encode())
    return TokenForm(form, word_start or None)


def byte_reader(tokenizer: Tokenizer, parts: Parts) -> Callable[[str], int | None]:
    """Give the function that tells which byte a byte-fallback token stands for, ``None`` for other tokens."""
    if not getattr(tokenizer.model, "byte_fallback", False) and not parts.has("ByteFallback", "decoder"):
        return lambda text: None

    def read(text: str) -> int | None:
        match = _BYTE_TOKEN.fullmatch(text) if len(text) == 6 else None
        return int(match[1], 16) if match else None

    return read


def is_isolated(text: str, tokenizer: Tokenizer) -> bool:
    """Tell whether normalizer and pre-tokenizer split off a text even from the middle of a word."""
    if len(text) > 1 and any(character.isalnum() for character in text):
        return False  # a word: spares asking for the bulk of the vocabulary
    within = f"a{text}a"
    if tokenizer.normalizer is not None:
        within = tokenizer.normalizer.normalize_str(within)
    if tokenizer.pre_tokenizer is None:
        return False
    return [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(within)] == ["a", text, "a"]


def byte_level_surface(text: str) -> bytes:
    """Give the bytes that a token of a byte-level vocabulary stands for (``Ġfür`` as ``ĠfÃ¼r``)."""
    try:
        return bytes([BYTE_OF[character] for character in text])
    except KeyError:  # not written in the alphabet: the decoder, too, then takes it for its own text
        return text.encode()


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's alphabet: printable bytes stand for themselves, the others for characters from 256 on."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTE_OF = _byte_alphabet()
"""The byte that each character of the byte-level alphabet stands for."""


def _from_surface(surface: bytes) -> TokenForm:
    word_start = surface.startswith(b" ")
    form = surface[1:] if word_start else surface
    if not form[:1].isalnum() and _is_whitespace(surface):  # the first test spares most tokens the second
        return TokenForm(surface, None)
    return TokenForm(form, word_start)


def _is_whitespace(surface: bytes) -> bool:
    try:
        return surface.decode().isspace()
    except UnicodeDecodeError:
        return False


def _wordpiece_forms(tokenizer: Tokenizer, prefix: str) -> Callable[[str], TokenForm]:
    def read(text: str) -> TokenForm:
        continues = bool(prefix) and text.startswith(prefix) and len(text) > len(prefix)
        form = text.removeprefix(prefix) if continues else text
        isolated = is_isolated(form, tokenizer)
        return TokenForm(
            form.encode(), None if isolated and not continues else not continues, isolated and continues
        )

    return read
