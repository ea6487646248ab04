"""Tokens are shown as text, and nothing in them can be invisible or turn the page around."""

import shlex

import pytest
from hypothesis import given, strategies as st

from monoglot.reporting.wording import counted, pictured, readable, shell_lines


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
    assert pictured("a\x00\x1b\x7f") == "a␀␛␡"
    assert pictured("\u202eabc\u00a0") == "⟨U+202E⟩abc⟨U+00A0⟩"
    assert pictured("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text())
def test_nothing_invisible_is_left(text):
    assert all(c.isprintable() or c in "\u200c\u200d" for c in pictured(text))


def test_a_short_command_stays_on_one_line():
    assert shell_lines(["monoglot", "adapt", "a model", "text"]) == "monoglot adapt 'a model' text"


def test_each_option_of_a_long_one_has_its_line():
    words = ["monoglot", "adapt", "m", "t", "--output", "o" * 60, "--tokens", "10M"]
    assert shell_lines(words) == f"monoglot adapt m t \\\n    --output {'o' * 60} \\\n    --tokens 10M"


@given(st.lists(st.text(st.characters(exclude_characters="\0\\")), min_size=1))
def test_a_shell_reads_the_same_words(words):
    assert shlex.split(shell_lines(words, width=20).replace("\\\n", "")) == words


def test_one_step_is_no_steps():
    assert [counted(number, "step") for number in (0, 1, 2_000)] == ["0 steps", "1 step", "2,000 steps"]
