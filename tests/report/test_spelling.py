"""Tokens are shown as text, and nothing in them can be invisible or turn the page around."""

import pytest
from hypothesis import given, strategies as st

from monoglot.report.spelling import readable, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ĠfÃ¼r", "Ġfür"),
        ("fÃ¼r", "für"),
        ("Ã", "<0xC3>"),
        ("Ċ", "␊"),
        ("<|endoftext|>", "<|endoftext|>"),
        ("▁für", "▁für"),
    ],
)
def test_byte_level_tokens_are_decoded(text, shown):
    assert readable(text, byte_level=True) == shown


def test_other_tokens_are_shown_as_they_are_spelled():
    assert readable("##ä", byte_level=False) == "##ä"
    assert readable("Ġ", byte_level=False) == "Ġ"


def test_controls_and_directions_become_visible():
    assert visible("a\x00\x1b\x7f") == "a␀␛␡"
    assert visible("\u202eabc\u00a0") == "⟨U+202E⟩abc⟨U+00A0⟩"
    assert visible("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text())
def test_nothing_invisible_is_left(text):
    assert all(c.isprintable() or c in "\u200c\u200d" for c in visible(text))
