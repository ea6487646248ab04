import shlex

from hypothesis import given, strategies as st

from monoglot.report.wording import shell_lines


def test_a_short_command_stays_on_one_line():
    assert shell_lines(["monoglot", "adapt", "a model", "text"]) == "monoglot adapt 'a model' text"


def test_each_option_of_a_long_one_has_its_line():
    words = ["monoglot", "adapt", "m", "t", "--output", "o" * 60, "--tokens", "10M"]
    assert shell_lines(words) == f"monoglot adapt m t \\\n    --output {'o' * 60} \\\n    --tokens 10M"


@given(st.lists(st.text(st.characters(exclude_characters="\0\\")), min_size=1))
def test_a_shell_reads_the_same_words(words):
    assert shlex.split(shell_lines(words, width=20).replace("\\\n", "")) == words
