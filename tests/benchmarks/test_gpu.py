"""docs/gpu.md shows what was measured."""

import json

from benchmarks import gpu, head, pages


def test_the_table_is_that_of_the_result():
    content = json.loads((head.FOLDER / "gpu.json").read_text(encoding="utf-8"))
    assert pages.read("gpu.md", "gpu") == gpu.table(content)
    assert len(content["rows"]) > 5
