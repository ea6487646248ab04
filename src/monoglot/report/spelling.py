"""Tokens as a person can read them: bytes as text, and what is invisible made visible."""

from __future__ import annotations

import unicodedata

from monoglot.tokenization.spelling import BYTE_OF

PICTURES = 0x2400
"""Unicode has a picture of each control character from here on."""
DELETE, DELETE_PICTURE = 0x7F, 0x2421
INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiners: beside letters they are spelling, in Persian and Hindi above all."""


def readable(text: str, *, byte_level: bool) -> str:
    """Spell a token as its tokenizer does, but with letters for bytes and pictures for control characters.

    Args:
        text: The token as the vocabulary spells it.
        byte_level: Whether its characters stand for bytes (``fÃ¼r``).
    """
    if not byte_level or any(character not in BYTE_OF for character in text):
        return visible(text)
    form = bytes(BYTE_OF[character] for character in text)
    try:
        decoded = form.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in form)
    return visible(f"Ġ{decoded[1:]}" if decoded.startswith(" ") else decoded)


def visible(text: str) -> str:
    """Replace what can't be seen or would change the direction of its surroundings."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    code = ord(character)
    if character in JOINERS or character == " " or unicodedata.category(character) not in INVISIBLE:
        return character
    if code < ord(" "):
        return chr(PICTURES + code)
    return chr(DELETE_PICTURE) if code == DELETE else f"⟨U+{code:04X}⟩"
