"""What a comparison says: the best method first, with intervals, beside vocabularies of old tokens."""

import pytest

from monoglot.evaluation.line_scores import TeacherDistance
from monoglot.reporting.content import Page
from monoglot.reporting.page import render
from monoglot.reporting.scoreboard import Scoreboard
from tests.reporting.conftest import SCORES, figure
from tests.reporting.test_page import checked


def test_the_best_method_comes_first_then_what_old_tokens_do(content):
    best, trim, original = Scoreboard(content).answers()
    assert (best.name, best.after, best.change) == ("best method", "a", "2.0000 bits per byte")
    assert best.note == (
        "the best of 3 methods for the new vocabulary, but can't be told from subword: 0.0100 behind (95% "
        "interval −0.0400 to +0.0600)"
    )
    assert (trim.name, trim.before, trim.after) == ("beside trim", "1.5000", "2.0000")
    assert trim.change == "0.5000 behind (95% interval +0.4500 to +0.5500)"
    assert trim.note.endswith("trim → a: a is worse")
    assert original.name == "beside the original as it is"


def test_who_is_ahead_is_said_to_be(content):
    for entry in content["contestants"]:
        if entry["name"] == "trim":
            entry["end"] = figure(2.5)
    content["differences"] = [
        pair if "trim" not in (pair["better"], pair["worse"])
        else {"better": "a", "worse": "trim", "value": 0.5, "low": 0.4, "high": 0.6}
        for pair in content["differences"] if {pair["better"], pair["worse"]} != {"trim", "subword"}
    ]  # fmt: skip
    _, trim, _ = Scoreboard(content).answers()
    assert trim.change == "0.5000 ahead (95% interval +0.4000 to +0.6000)"
    assert trim.note.endswith("a is better")


def test_the_teacher_is_nothing_to_compare_with(content):
    content["measure"] = TeacherDistance.label
    board = Scoreboard(content)
    assert [answer.name for answer in board.answers()] == ["best method", "beside trim"]
    assert "original as it is" not in [row[0] for row in board.charts["behind-the-best"].rows]


def test_differences_are_read_in_both_directions(content):
    board = Scoreboard(content)
    there, back = board.behind("random", "a"), board.behind("a", "random")
    assert (there.value, there.low, there.high) == pytest.approx((1.0, 0.95, 1.05))
    assert (back.value, back.low, back.high) == pytest.approx((-1.0, -1.05, -0.95))
    assert board.behind("a", "nobody") is None


def test_the_section_has_all_of_them_with_numbers(content):
    board = Scoreboard(content)
    html = render(Page("t", "s", board.story(), list(board.answers()), comparison=board.section))
    found = checked(html)
    assert {"answer", "comparison"} <= set(found.ids)
    shown = "".join(found.text.split())
    assert "a7003.00002.0000±0.1250" in shown
    assert "trim(control)7002.50001.5000±0.1250−0.5000−0.5500to−0.4500" in shown
    assert "5 variants were scored by bits per byte" in found.text
    assert "Not trained: original vocabulary, for it is the teacher." in found.text
    assert (
        "In the same number of tokens, they read: the new vocabulary 24 kB of text; trim 24 kB of text."
        in found.text
    )
    assert html.count("data-chart=") == 2
    assert {row[0] for row in board.charts["curves"].rows} == set(SCORES) - {"original as it is"}
