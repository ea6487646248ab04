"""Tokens as words of a text in which white space separates words and lines."""

from __future__ import annotations

SEPARATORS = "\n\r\t\v\f\0 "
"""What fastText takes for the end of a word."""
PRIVATE_USE = 0xE000
_ESCAPES = str.maketrans({character: chr(PRIVATE_USE + ord(character)) for character in SEPARATORS})


def writable(token: str) -> str:
    """Spell a token so that it is one word: white space in it becomes characters of the private use area."""
    return token.translate(_ESCAPES)
