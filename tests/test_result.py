"""What results have in common: plain values, a table, HTML."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from monoglot.errors import SettingError
from monoglot.result import MOST_ROWS, Result, folder_of


@dataclass(frozen=True)
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


FUNCTIONS = ("specialize", "adapt", "evaluate", "plan", "overlap", "explain", "compare", "report", "push")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_job_is_a_function_whatever_was_imported_before(name):
    import monoglot.reporting.page  # a submodule of the name of a function would take its place

    assert callable(getattr(monoglot, name))
    assert getattr(monoglot, name).__name__ == name
