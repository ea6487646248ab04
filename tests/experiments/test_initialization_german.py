"""German initializations: equal CPU seconds, words for word vectors, the table."""

import numpy as np
import pytest

from experiments.initialization_german.run import (
    against_trim,
    at_cost,
    curve_of,
    frequent_words,
    shown,
    word_lines,
)


def test_what_is_faster_gets_further_along_its_curve():
    curve = [(0, 2.0), (100, 1.0)]
    assert at_cost(curve, 0.1, 5.0) == pytest.approx(1.5)
    assert at_cost(curve, 0.05, 5.0) == 1.0


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


def test_differences_are_paired_by_lines_and_seeds():
    rows = {
        "trim": {"line_bits": [[8.0, 16.0], [9.0, 15.0]]},
        "graft": {"line_bits": [[7.0, 14.0], [8.0, 13.0]]},
        "original as it is": {"line_bits": []},
    }
    assert against_trim(rows, np.array([1.0, 2.0]), 42) == {"graft": [-1.0, -1.0, -1.0]}


def row(before, after, *, control=False):
    curves = [[(0, before), (100, value)] for value in after]
    return {
        "vocabulary": 10, "parameters": 1_000_000, "control": control, "before": [before], "after": after,
        "curves": curves,
    }  # fmt: skip


def test_the_best_after_equal_tokens_stands_first_and_costs_are_equal_in_the_last_column():
    rows = {
        "slow": row(2.0, [1.0, 1.2]),
        "fast": row(2.0, [1.4, 1.6], control=True),
        "original as it is": row(1.9, [], control=True),
    }
    content = {
        "rows": rows, "tokens": 100, "training": {"batch_tokens": 10},
        "cpu_seconds_per_step": {"slow": 2.0, "fast": 1.0, "original as it is": 2.0}, "seeds": 2,
        "machine": {"processor": "P", "cores": 2}, "command": "python", "commit": "abc",
        "date": "2026-01-01", "against_trim": {"slow": [-0.5, -0.75, 0.25]},
    }  # fmt: skip
    lines = shown(content).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:5]] == [
        "slow", "fast (control)", "original as it is (control)",
    ]  # fmt: skip
    assert lines[2].endswith("| 1.100 ± 0.141 | −0.500 [−0.750, +0.250] | 200.000 | 1.550 ± 0.071 |")
    assert lines[4].endswith("| – | – | – | – |")
