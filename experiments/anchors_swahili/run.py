"""How many anchors does FOCUS need in Swahili, and which tokens should count as shared?

    python -m experiments.anchors_swahili.run --data ../shared/data --models models

multilingual-e5-small gets the FOCUS authors' Swahili vocabulary; only the number of anchors that may have
weight in sparsemax (1, 5, 10, 50, all) and the overlap (exact, symbols only, fuzzy, as in the package
`deepfocus`) change. Distance to the original before any training, see `experiments.before_training`. Small:
vectors (cooccurrence) of the first 6 MB of text; paper: of the whole corpus, by fastText of 300 dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import head
from experiments.before_training import BeforeTraining, distances, table
from experiments.experiment import Results, parser

HERE = Path(__file__).parent
ALL = "all anchors"
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"{k} anchors" if k > 1 else "1 anchor": ("focus", {"anchors": k}) for k in (1, 5, 10, 50)},
    ALL: ("focus", {}),
    "all, fuzzy overlap": ("focus", {"overlap": "fuzzy"}),
    "all, symbols only": ("focus", {"overlap": "symbols"}),
    "focus-reference": ("focus-reference", {}),
    "blend": ("blend", {}),
    "subword": ("subword", {}),
    "random": ("random", {}),
}
ORDER = ("original", "trim", *METHODS)
SPACES = {
    "small": ("cooccurrence", "cooccurrence", {}, 6_000_000),
    "paper": ("fasttext-300", "fasttext", {"dim": 300}, 10**12),
}


def shown(content: Mapping[str, Any]) -> str:
    """The table of a result."""
    return table(content, ORDER, ALL)


def main() -> None:
    """Measure what is not in the result yet; write table and result."""
    arguments = head.parse(parser(__doc__, "data", "models", language="sw"))
    results = Results(HERE, arguments.scale)
    name, engine, options, most = SPACES[arguments.scale]
    about = {
        "question": "how many anchors does FOCUS need, and which tokens should count as shared?",
        "language": arguments.language, "corpus_bytes": most, "vectors": engine, "vectors_options": options,
        "seed": arguments.seed, "threads": arguments.threads,
    }  # fmt: skip
    if not arguments.table:
        work = arguments.work / f"before_training-{arguments.scale}"
        case = BeforeTraining(arguments.data, arguments.models, arguments.language, work, most)

        def row(variant: str) -> dict[str, Any]:
            if variant == "original":
                return case.original_row()
            if variant == "trim":
                return case.trim_row(arguments.seed)
            method, settings = METHODS[variant]
            vectors = case.spaces.vectors(name, engine, options, arguments.seed)
            return case.row(method, settings, None if method in ("subword", "random") else vectors)

        results.measure(about, ORDER, row)
    results.conclude(shown, partial(distances, names=ORDER))


if __name__ == "__main__":
    main()
