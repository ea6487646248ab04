"""Which auxiliary space should FOCUS mix in, if nothing else changes?

    python -m experiments.auxiliary_space.run --data ../shared/data --models models --language sw

multilingual-e5-small gets the FOCUS authors' vocabulary; anchors and missing tokens are the same for all
spaces, namely those that every space has a vector for, and so are sparsemax and all other rows. Distance to
the original before any training, see `experiments.before_training`. Small: the first 6 MB of text; paper: the
whole corpus. The result is `small_<language>.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from typing import Any

from benchmarks import head
from experiments.before_training import BeforeTraining, distances, table
from experiments.experiment import Results, parser
from monoglot.vectors.engine import TokenVectors

HERE = Path(__file__).parent
SPACES: dict[str, tuple[str, dict[str, Any]]] = {
    "cooccurrence": ("cooccurrence", {}),
    "characters": ("characters", {}),
    "contextual states of the source": ("contextual", {}),
    "fastText, 100 dimensions": ("fasttext", {"dim": 100}),
    "fastText, 300 dimensions": ("fasttext", {"dim": 300}),
}
CONTROLS = ("original", "trim", "subword", "random")
BLENDS = {f"blend, {name}": name for name in ("cooccurrence", "contextual states of the source")}
"""The default method on two of the spaces."""
FILES = {name: name.replace(", ", "-").replace(" ", "-") for name in SPACES}
ORDER = (*CONTROLS[:2], *SPACES, *BLENDS, *CONTROLS[2:])
BYTES = {"small": 6_000_000, "paper": 10**12}
READ_TOKENS = {"small": 50_000, "paper": 3_000_000}
"""Text that the source reads for its contextual states."""


def alike(spaces: Mapping[str, TokenVectors]) -> dict[str, TokenVectors]:
    """Give all spaces vectors of the same tokens: those that every one has."""
    usable = reduce(lambda one, other: one & other, (vectors.usable for vectors in spaces.values()))
    return {name: replace(vectors, usable=usable) for name, vectors in spaces.items()}


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Measure what is not in the result yet."""
    work = arguments.work / f"before_training-{arguments.scale}"
    case = BeforeTraining(arguments.data, arguments.models, arguments.language, work, about["corpus_bytes"])
    reading = {"contextual": {"read_tokens": about["read_tokens"]}}
    spaces = alike({
        name: case.space(FILES[name], engine, options | reading.get(engine, {}), arguments.seed)
        for name, (engine, options) in SPACES.items()
    })  # fmt: skip

    def row(variant: str) -> dict[str, Any]:
        if variant == "original":
            return case.original_row()
        if variant == "trim":
            return case.trim_row(arguments.seed)
        if variant in CONTROLS:
            return case.row(variant, {}, None)
        if variant in BLENDS:
            return case.row("blend", {}, spaces[BLENDS[variant]])
        seconds = float(case.cost_file(FILES[variant]).read_text())
        return case.row("focus", {}, spaces[variant]) | {"vectors_cpu_seconds": seconds}

    results.measure(about, ORDER, row)


def shown(content: Mapping[str, Any]) -> str:
    """The table of a result."""
    return table(content, ORDER, "cooccurrence", {"vectors, CPU s": "vectors_cpu_seconds"})


def main() -> None:
    """Measure one language; write table and result."""
    arguments = head.parse(parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN))
    results = Results(HERE, f"{arguments.scale}_{arguments.language}")
    about = {
        "question": "which auxiliary space should FOCUS mix in, if nothing else changes?",
        "language": arguments.language, "corpus_bytes": BYTES[arguments.scale],
        "read_tokens": READ_TOKENS[arguments.scale],
        "seed": arguments.seed, "threads": arguments.threads,
    }  # fmt: skip
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, partial(distances, names=ORDER))


if __name__ == "__main__":
    main()
