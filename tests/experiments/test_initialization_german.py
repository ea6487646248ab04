"""German initializations: equal CPU seconds, words for word vectors, the table."""

import pytest

from experiments.initialization_german.run import (
    at_cost,
    curve_of,
    frequent_words,
    shown,
    training_seconds,
    word_lines,
)


def test_what_is_faster_gets_further_along_its_curve():
    curve = [(0, 2.0), (100, 1.0)]
    assert at_cost(curve, 0.1, 5.0) == pytest.approx(1.5)
    assert at_cost(curve, 0.05, 5.0) == 1.0


def test_scores_are_not_part_of_a_training():
    assert training_seconds(10.0, 2.0, 3) == 4.0


def test_words_of_scored_lines_are_not_learned():
    lines = ["Das ist wahr.", "Scored line", "Ein Satz, noch einer"]
    assert list(word_lines(lines, frozenset({"Scored line"}), 100)) == ["Das ist wahr", "Ein Satz noch einer"]
    assert list(word_lines(lines, frozenset(), 14)) == ["Das ist wahr"]


def test_rare_words_are_not_in_the_dictionary():
    assert frequent_words(["ein Haus", "ein Baum ein"], 2) == ["ein"]


def test_a_curve_leaves_training_losses_out():
    record = [
        '{"tokens": 0, "bits_per_byte": 2.0}',
        '{"tokens": 5, "loss": 3}',
        '{"tokens": 9, "bits_per_byte": 1.5}',
    ]
    assert curve_of("\n".join(record)) == [(0, 2.0), (9, 1.5)]


def row(before, after, seconds, *, control=False):
    curves = [[(0, before), (100, value)] for value in after]
    return {
        "vocabulary": 10, "parameters": 1_000_000, "control": control, "before": [before], "after": after,
        "curves": curves, "training_cpu_seconds": seconds, "text_bytes": 5,
    }  # fmt: skip


def test_the_best_after_equal_tokens_stands_first_and_costs_are_equal_in_the_last_column():
    rows = {
        "slow": row(2.0, [1.0, 1.2], 20.0),
        "fast": row(2.0, [1.4, 1.6], 10.0, control=True),
        "original as it is": row(1.9, [], None, control=True),
    }
    content = {
        "rows": rows, "tokens": 100, "seeds": 2, "machine": {"processor": "P", "cores": 2},
        "command": "python", "commit": "abc", "date": "2026-01-01",
    }  # fmt: skip
    lines = shown(content).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:5]] == [
        "slow", "fast (control)", "original as it is (control)",
    ]  # fmt: skip
    assert lines[2].endswith("| 1.100 ± 0.141 | 200.00 | 1.550 ± 0.071 |")
    assert lines[4].endswith("| – | – | – |")
