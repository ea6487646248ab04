"""What results have in common: plain values, a table, HTML."""

import importlib
import json
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import monoglot
from monoglot.errors import SettingError
from monoglot.result import MOST_HIGHLIGHTS, MOST_ROWS, Result, folder_of


@dataclass(frozen=True, repr=False)
class Squares(Result):
    """A result of a test."""

    output: str
    numbers: tuple[int, ...]

    def rows(self):
        return [{"number": n, "square": n * n, "half": n / 3, "<name>": None} for n in self.numbers]


def test_a_result_is_plain_values_and_a_table():
    found = Squares("out", (2, 1000))
    assert json.loads(json.dumps(found.to_dict())) == {"output": "out", "numbers": [2, 1000]}
    frame = found.to_pandas()
    assert list(frame.columns) == ["number", "square", "half", "<name>"]
    assert frame["square"].tolist() == [4, 1_000_000]


def test_a_notebook_shows_the_table_with_rounded_numbers_and_no_markup_of_ours():
    shown = Squares("out", (2, 1000))._repr_html_()
    assert "<b>Squares</b>" in shown
    assert '<td style="text-align: right">1,000,000</td>' in shown
    assert '<td style="text-align: right">0.6667</td>' in shown
    assert "&lt;name&gt;" in shown
    assert "<name>" not in shown
    assert "None" not in shown


def test_a_long_table_is_cut_and_says_so():
    shown = Squares("out", tuple(range(MOST_ROWS + 5)))._repr_html_()
    assert shown.count("<tr>") == MOST_ROWS + 1
    assert "5 more rows" in shown
    assert "<table>" not in Squares("out", ())._repr_html_()


def test_without_pandas_there_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SettingError, match=r"needs pandas, .*: pip install 'monoglot\[pandas\]'"):
        Squares("out", (1,)).to_pandas()


def test_a_folder_is_named_or_told_of_by_a_result():
    assert folder_of("a") == folder_of(Path("a")) == folder_of(Squares("a", ())) == Path("a")


def test_a_first_look_is_a_few_lines():
    assert repr(Squares("out", (2, 1000))).splitlines() == [
        "Squares",
        "  2     square 4, half 0.6667",
        "  1000  square 1,000,000, half 333.3",
    ]
    assert len(repr(Squares("out", tuple(range(99)))).splitlines()) == 1 + MOST_HIGHLIGHTS
    assert repr(Squares("out", ())) == "Squares"


def results(kind=Result):
    """All classes of results that come with monoglot."""
    for name in pkgutil.walk_packages(monoglot.__path__, "monoglot."):
        if name.name.startswith(("monoglot.pipeline", "monoglot.reporting")):
            importlib.import_module(name.name)
    return [cls for cls in kind.__subclasses__() if cls.__module__.startswith("monoglot.")]


def test_no_result_hides_the_short_form_behind_that_of_dataclasses():
    found = results()
    assert len(found) > 10
    assert not [cls.__name__ for cls in found if cls.__repr__ is not Result.__repr__]
    assert not [cls.__name__ for cls in found if cls.highlights is Result.highlights]


FUNCTIONS = ("specialize", "adapt", "evaluate", "plan", "overlap", "explain", "compare", "report", "push")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_job_is_a_function_whatever_was_imported_before(name):
    import monoglot.reporting.page  # a submodule of the name of a function would take its place

    assert callable(getattr(monoglot, name))
    assert getattr(monoglot, name).__name__ == name
