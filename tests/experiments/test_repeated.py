"""Tests of the comparison of a repeated experiment with its saved result."""

from __future__ import annotations

import json

import pytest

from benchmarks import head
from experiments.repeated import OUTPUT, check_repeated, compare, figures


def result(**rows: object) -> dict[str, object]:
    return {"command": "python -m x", "commit": "abc", "rows": rows}


def test_figures_with_seeds_have_a_spread_and_times_are_no_figures() -> None:
    found = dict(
        figures({"a": {"after": [1.0, 2.0, 3.0], "cpu_seconds": 7.0, "seed": 42, "new": None, "ok": True}})
    )
    assert list(found) == ["a/after"]
    assert found["a/after"].value == 2.0
    assert found["a/after"].spread == 1.0


def test_curves_and_single_lines_are_not_compared() -> None:
    assert not dict(figures({"curves": [[[0, 1.5]]], "line_bits": [[3.0, 4.0]]}))


def test_what_differs_is_within_the_spread_or_beyond_it() -> None:
    before = result(a={"after": [1.0, 2.0, 3.0]}, b={"distance": 0.5}, c={"size": 7})
    after = result(a={"after": [1.5, 2.5, 3.5]}, b={"distance": 0.6}, c={"size": 7})
    found = compare(before, after)
    assert (found["figures"], found["equal"], found["within_spread"]) == (3, 1, 1)
    assert [one["name"] for one in found["beyond"]] == ["b/distance"]


def test_rows_that_one_result_lacks_are_named() -> None:
    found = compare(result(a={"x": 1}, b={"x": 1}), result(a={"x": 1}))
    assert found["not_repeated"] == ["b"]
    assert found["equal"] == 1


def test_a_result_that_was_not_measured_again_is_refused() -> None:
    before = result(a={"x": 1})
    with pytest.raises(SystemExit, match="remove it and run its experiment again"):
        check_repeated("small.json", before, result(a={"x": 1}))
    check_repeated("small.json", before, result(a={"x": 1}) | {"commit": "def"})


def test_saved_repetitions_are_consistent() -> None:
    file = head.ROOT / OUTPUT / "repeated.json"
    assert file.exists(), "no repetition is saved: run experiments/repeated.py"
    for row in json.loads(file.read_text(encoding="utf-8"))["rows"].values():
        assert row["figures"] == row["equal"] + row["within_spread"] + len(row["beyond"])
