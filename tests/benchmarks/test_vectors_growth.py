"""The page on the growth of vectors shows what was measured."""

import json

from benchmarks import head, pages, vectors_growth


def test_the_page_shows_the_saved_figures():
    rows = json.loads((head.FOLDER / "vectors_growth.json").read_text(encoding="utf-8"))["rows"]
    assert len(rows) == 4
    assert pages.read("scaling-vectors.md", "growth") == vectors_growth.table(rows)
