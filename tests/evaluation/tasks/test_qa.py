import numpy as np
import pytest

from monoglot.evaluation.tasks.qa import best_span, exact_match, normalized, overlap_f1, squad_scores


def test_normalization_is_that_of_the_official_script():
    assert normalized("  The  Rhine, a river!") == "rhine river"
    assert normalized("«Bonn»") == "«bonn»"  # only ASCII punctuation


def test_f1_by_hand():
    assert overlap_f1("the city of Bonn", "Bonn city") == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))
    assert overlap_f1("Bonn Bonn", "Bonn") == pytest.approx(2 * 0.5 * 1 / 1.5)
    assert (overlap_f1("Köln", "Bonn"), overlap_f1("", "Bonn"), overlap_f1("the", "a")) == (0, 0, 1)
    assert (exact_match("the Bonn", "bonn."), exact_match("in Bonn", "Bonn")) == (1, 0)


def test_the_likest_of_several_answers_counts():
    scores = squad_scores(["in Bonn", "Rhein"], [["Köln", "Bonn", "in Bonn"], ["Main"]])
    assert scores == {"f1": 0.5, "exact_match": 0.5, "questions": 2}


def test_the_best_span_lies_in_the_text_and_does_not_end_before_it_begins():
    spans = np.array([[-1, -1], [0, 2], [3, 7], [8, 9], [-1, -1]])
    start, end = np.array([9.0, 0, 3, 1, 9]), np.array([9.0, 5, 2, 4, 9])
    assert best_span(start, end, spans) == (7.0, 3, 9)
    assert best_span(start, end, np.full((5, 2), -1)) is None


def test_the_best_span_is_short():
    spans = np.stack([np.arange(50), np.arange(50) + 1], axis=1)
    start, end = np.zeros(50), np.zeros(50)
    start[0], end[49], end[29] = 5, 5, 1
    assert best_span(start, end, spans) == (6.0, 0, 30)
