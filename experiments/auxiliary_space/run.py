"""Which auxiliary space should FOCUS mix in, if nothing else changes?

    python -m experiments.auxiliary_space.run --data ../shared/data --models models --language sw

Anchors and missing tokens are the same for all spaces, namely those that every space has a vector for, and so
are sparsemax and all other rows. multilingual-e5-small gets the FOCUS authors' vocabulary: distance to the
original before any training, see `experiments.before_training`. With ``--source gemma-270m``, that decoder
gets a vocabulary trained on the text: bits per byte before any training, see `experiments.decoder`. Small:
the first 6 MB of text; paper: the whole corpus. The result is `small_<language>.json`, that of the decoder
`small_<language>_gemma-270m.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import head
from experiments import decoder
from experiments.before_training import BeforeTraining, distances, table
from experiments.decoder import Decoder
from experiments.experiment import Results, parser
from experiments.spaces import BYTES, CONTEXTUAL, READ_TOKENS, SPACES, alike

HERE = Path(__file__).parent
SOURCES = ("e5-small", decoder.NAME)
CONTROLS = ("original", "trim", "subword", "random")
BLENDS = {f"blend, {name}": name for name in ("cooccurrence", CONTEXTUAL)}
"""The default method on two of the spaces."""
ORDER = (*CONTROLS[:2], *SPACES, *BLENDS, *CONTROLS[2:])


def case_of(
    arguments: Any, corpus_bytes: int
) -> tuple[Decoder | BeforeTraining, dict[str, Callable[[], Any]]]:
    """The source with its vocabulary and texts, and how its own rows are measured."""
    if arguments.source == decoder.NAME:
        made = Decoder.of(arguments, corpus_bytes)
        return made, {name: partial(made.untrained_row, name) for name in CONTROLS[:2]}
    work = arguments.work / f"before_training-{arguments.scale}"
    case = BeforeTraining(arguments.data, arguments.models, arguments.language, work, corpus_bytes)
    return case, {"original": case.original_row, "trim": partial(case.trim_row, arguments.seed)}


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Measure what is not in the result yet."""
    case, own = case_of(arguments, about["corpus_bytes"])
    spaces = alike({
        name: case.spaces.named(name, about["read_tokens"], arguments.seed) for name in SPACES
    })  # fmt: skip

    def row(variant: str) -> dict[str, Any]:
        if variant in own:
            return own[variant]()
        if variant in CONTROLS:
            return case.row(variant, {}, None)
        if variant in BLENDS:
            return case.row("blend", {}, spaces[BLENDS[variant]])
        seconds = case.spaces.cpu_seconds(variant)
        return case.row("focus", {}, spaces[variant]) | {"vectors_cpu_seconds": seconds}

    results.measure(about, ORDER, row)


def shown(content: Mapping[str, Any]) -> str:
    """The table of a result."""
    return table(content, ORDER, "cooccurrence", {"vectors, CPU s": "vectors_cpu_seconds"})


def main() -> None:
    """Measure one language; write table and result."""
    made = parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN)
    made.add_argument(
        "--source", choices=SOURCES, default=SOURCES[0], help="the model, an encoder or a decoder"
    )
    arguments = head.parse(made)
    is_decoder = arguments.source == decoder.NAME
    names = (arguments.scale, arguments.language, *([arguments.source] if is_decoder else []))
    results = Results(HERE, "_".join(names))
    about = {
        "question": "which auxiliary space should FOCUS mix in, if nothing else changes?",
        "language": arguments.language, "corpus_bytes": BYTES[arguments.scale],
        "read_tokens": READ_TOKENS[arguments.scale],
        "seed": arguments.seed, "threads": arguments.threads,
    }  # fmt: skip
    if is_decoder:
        about |= {"source": arguments.source, "lines": decoder.LINES[arguments.scale]}
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, partial(distances, names=ORDER))


if __name__ == "__main__":
    main()
