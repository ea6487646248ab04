"""The answer in three lines, whatever was measured."""

from __future__ import annotations

import pytest

from monoglot.evaluation.line_scores import Interval
from monoglot.evaluation.quality import Quality
from monoglot.reporting.verdict import answers

COSINE = Quality("cosine", 100, 1.0, 0.98, Interval(-0.02, -0.03, -0.01), (), 500, 450)
BITS = Quality("bits_per_byte", 20, 1.5, 1.45, Interval(-0.05, -0.06, -0.04), (), 500, 450)


def lines(quality, tokens=(2.0, 1.5), *, trained=False):
    return [answer.line for answer in answers((2_000_000, 1_000_000), tokens, quality, trained=trained)]


def test_a_sentence_encoder():
    assert lines(COSINE) == [
        "2.0M → 1.0M parameters (−50.0%)",
        "2.000 → 1.500 (−25.0%); 450 of 500 lines as before",
        "cosine to the original 0.9800 (0.9700 to 0.9900 at 95%)",
    ]


def test_a_language_model():
    assert lines(BITS)[2] == "1.500 → 1.450 bits per byte (−0.050, −0.060 to −0.040 at 95%)"


def test_each_line_fits_a_terminal():
    name = len("tokens per word  ")
    assert max(map(len, lines(COSINE) + lines(BITS))) <= 80 - name


@pytest.mark.parametrize(
    ("quality", "tokens", "expected"),
    [
        (None, (2.0, 1.5), ["2.000 → 1.500 (−25.0%)", "not measured by the version"]),
        (Quality(skipped="T5 is no encoder"), (2.0, 1.5), ["(−25.0%)", "not measured: T5 is no encoder"]),
        (Quality(skipped="there is no held-out text"), (0.0, 0.0), ["not compared", "no held-out text"]),
    ],
)
def test_what_was_not_measured_says_why(quality, tokens, expected):
    for line, text in zip(lines(quality, tokens)[1:], expected, strict=True):
        assert text in line


def test_notes_say_whether_the_model_was_trained():
    before, after = (
        [answer.note for answer in answers((2, 1), (2.0, 1.5), COSINE, trained=trained)]
        for trained in (False, True)
    )
    assert "before any training" in before[2]
    assert "the same embeddings" in before[1]
    assert "after training" in after[2]
    assert "embeddings" not in after[1]
