"""Text from outside, made safe to show: names of files and models, tokens, what other libraries say."""

from __future__ import annotations

import unicodedata

from rich import markup

HIDDEN = frozenset(("Cc", "Cs", "Zl", "Zp"))
BIDIRECTIONAL = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def visible(text: str) -> str:
    r"""Spell out what would move the cursor, color the terminal, turn the text around or end the line.

    Args:
        text: Any text.

    Returns:
        One line; control characters, half surrogates and marks of direction as ``\x1b``, ``\n``, ``\u202e``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(character) for character in text)


def escape(text: str) -> str:
    """Make a text safe to print with rich: ``visible``, and no markup."""
    return markup.escape(visible(text))


def _spelled(character: str) -> str:
    if character in BIDIRECTIONAL or unicodedata.category(character) in HIDDEN:
        return character.encode("unicode_escape").decode()
    return character


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8; names of files that are bytes of another encoding can't."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
