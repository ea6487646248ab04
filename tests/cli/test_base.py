"""How results are printed: sentences break between words on a terminal, and nowhere else."""

import pytest
from rich.table import Table

from monoglot.cli.base import is_whole

SENTENCE, COMMAND = "A sentence.", "To train it:\n  monoglot adapt MODEL TEXT"


@pytest.mark.parametrize(
    ("part", "on_terminal", "whole"),
    [
        (SENTENCE, True, False),
        (SENTENCE, False, True),
        (COMMAND, True, True),
        (COMMAND, False, True),
        ("  monoglot explain OUT WORD", True, True),
        (Table(), True, False),
        (Table(), False, False),
    ],
)
def test_sentences_break_on_a_terminal_and_commands_never(part, on_terminal, whole):
    assert is_whole(part, on_terminal) is whole
