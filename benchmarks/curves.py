"""Draw the learning curves of docs/compare.md from saved results, as the page of `compare` draws them.

    python -m benchmarks.curves

No measurement: the results are those of `monoglot compare`; tests/benchmarks/test_curves.py fails when a
drawing is not current.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import head
from benchmarks.pages import DOCS
from monoglot.reporting.scoreboard import Scoreboard

RESULTS = Path(__file__).parent / "results"
NAMES = ("e5_de", "e5_sw", "gemma_de")


def drawing(name: str) -> str:
    """Draw the curves of one comparison, as SVG."""
    content = json.loads((RESULTS / f"compare_{name}.json").read_text(encoding="utf-8"))
    return Scoreboard(content).charts["curves"].svg


def file(name: str) -> Path:
    """Where the drawing of a comparison is."""
    return DOCS / f"curves_{name}.svg"


def main() -> None:
    """Draw all."""
    head.parse(head.parser(__doc__))
    for name in NAMES:
        file(name).write_text(drawing(name), encoding="utf-8")
        print(file(name))


if __name__ == "__main__":
    main()
