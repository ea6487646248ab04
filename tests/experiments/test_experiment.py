"""Results of experiments: nothing is measured twice, and nothing of other settings is mixed in."""

import re

import numpy as np
import pytest

from experiments.experiment import Dot, Results, draws, picture, spread


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path, "small")


def test_rows_that_are_there_are_not_measured_again(results):
    results.save({"lines": 3}, {"trim": 0.25})
    measured = []
    rows = results.measure({"lines": 3}, ["original", "trim"], lambda name: measured.append(name) or 0.5)
    assert measured == ["original"]
    assert rows == {"trim": 0.25, "original": 0.5} == results.read()["rows"]


def test_what_was_measured_is_kept_when_a_later_row_fails(results):
    def work(name):
        if name == "replace":
            raise RuntimeError("killed")
        return 1.0

    with pytest.raises(RuntimeError, match="killed"):
        results.measure({}, ["trim", "replace"], work)
    assert results.read()["rows"] == {"trim": 1.0}


def test_rows_of_other_settings_are_not_used(results):
    results.save({"lines": 3, "sizes": (1, 2)}, {"trim": 0.25})
    assert results.rows({"lines": 3, "sizes": (1, 2)}) == {"trim": 0.25}
    assert results.rows({"lines": 4, "sizes": (1, 2)}) == {}


def test_a_table_is_written_into_the_readme(results, tmp_path):
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- small -->\nold\n<!-- /small -->\nafter\n", encoding="utf-8")
    results.show("new", "<svg/>")
    assert (tmp_path / "small.svg").read_text(encoding="utf-8") == "<svg/>"
    assert page.read_text(encoding="utf-8") == "before\n<!-- small -->\nnew\n<!-- /small -->\nafter\n"


def test_one_value_has_no_deviation():
    assert spread([0.25]) == "0.2500"
    assert spread([0.2, 0.4], 2) == "0.30 ± 0.14"


def test_draws_do_not_overlap():
    assert draws(np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])) == [1.0, 0.0, 1.0, 2.0]


def test_a_picture_names_every_figure_and_places_larger_ones_to_the_right():
    drawn = picture("Distance", [Dot("trim", 0.1, 0.05), Dot("replace <all>", 0.4)])
    assert ">trim<" in drawn
    assert ">replace &lt;all&gt;<" in drawn
    first, second = (float(place) for place in re.findall(r'<circle cx="([\d.]+)"', drawn))
    assert first < second
