"""The curves of docs/compare.md are those of the saved results."""

import pytest

from benchmarks import curves
from benchmarks.pages import DOCS


@pytest.mark.parametrize("name", curves.NAMES)
def test_they_are_current(name):
    drawn = curves.file(name).read_text(encoding="utf-8")
    assert drawn == curves.drawing(name), "run python -m benchmarks.curves"
    assert curves.file(name).name in (DOCS / "compare.md").read_text(encoding="utf-8")


def test_every_drawing_of_curves_is_made_by_the_command():
    assert sorted(DOCS.glob("curves_*.svg")) == [curves.file(name) for name in curves.NAMES]
