import pytest

from monoglot.pipeline.scoring import first_lines


@pytest.mark.parametrize(
    ("most_lines", "most_characters", "expected"),
    [(2, 100, ["aaaa", "bb"]), (9, 6, ["aaaa", "bb"]), (9, 5, ["aaaa"]), (9, 1, ["aaaa"])],
)
def test_lines_up_to_a_number_of_lines_and_characters_but_at_least_one(most_lines, most_characters, expected):
    assert first_lines(["aaaa", "bb", "cccc"], most_lines, most_characters) == expected
