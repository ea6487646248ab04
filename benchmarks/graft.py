"""What a graft costs and saves before any training, beside trim, full replacement and the original.

    python -m benchmarks.graft --models models --data ../shared/data --language de OUT

Specializes multilingual-e5-small with the first 12 MB of a language's corpus, by ``--mode trim``, ``--mode
graft`` with each number of new tokens, and ``--mode replace``, and scores each as `benchmarks.sentences`
does. Held-out lines are not part of the corpus; the cosine to the original's vectors is a mean over three
draws of them (each third line), with the standard deviation between draws. ``saved`` is the share of the
original's tokens that these lines do not need any more, ``new`` the share of their tokens that are new
ones, ``c`` is (1 − cosine) ÷ saved.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import head
from benchmarks.sentences import Benchmark, encoder
from monoglot.evaluation.sentences import SentenceEncoder, mean_cosine
from monoglot.pipeline.specialize import specialize
from monoglot.run import read_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import Settings

CORPUS_BYTES = 12_000_000
DRAWS = 3


def first_bytes(corpus: Path, most: int, output: Path) -> Path:
    """Write the first lines of a compressed corpus, up to so many bytes."""
    if not output.exists():
        with gzip.open(corpus) as file:
            text = file.read(most)
        output.write_bytes(text[: text.rfind(b"\n") + 1])
    return output


def variants(new: list[int], seed: int, threads: int) -> dict[str, Settings]:
    """The settings of each model to make."""
    shared = Settings(seed=seed, threads=threads)
    made = {"trim": replace(shared, mode="trim")}
    made |= {f"graft +{n:,}": replace(shared, mode="graft", new_tokens=n) for n in new}
    return made | {"replace": replace(shared, mode="replace")}


def lengths(encode: SentenceEncoder, lines: list[str]) -> int:
    """How many tokens the lines have, without special tokens."""
    return sum(len(ids) for ids in encode.tokenizer(lines, add_special_tokens=False)["input_ids"])


def row_of(benchmark: Benchmark, encode: SentenceEncoder, kept: int | None) -> dict[str, Any]:
    """All figures of one model.

    Args:
        benchmark: The texts.
        encode: The model.
        kept: How many of its first ids are the source's; ``None`` where no id is.
    """
    vectors = benchmark.vectors(encode)
    draws = [
        mean_cosine(vectors[draw::DRAWS], benchmark.original_heldout[draw::DRAWS]) for draw in range(DRAWS)
    ]
    ids = [
        id for row in encode.tokenizer(benchmark.heldout, add_special_tokens=False)["input_ids"] for id in row
    ]
    before = lengths(benchmark.original, benchmark.heldout)
    saved = 1 - len(ids) / before
    scores = benchmark.score_with(encode, vectors)
    distance = 1 - float(np.mean(draws))
    return {
        "parameters": sum(parameter.numel() for parameter in encode.model.parameters()),
        "tokens": len(encode.tokenizer),
        "saved": saved,
        "new": None if kept is None else float(np.mean(np.array(ids) >= kept)),
        "cosine": float(np.mean(draws)),
        "cosine_std": float(np.std(draws, ddof=1)),
        "c": distance / saved if saved > 0.005 else None,
    } | {name: value for name, value in scores.items() if name != "cosine"}


def kept_tokens(output: Path) -> int | None:
    """How many of a model's first tokens are the source's."""
    file = output / LAYOUT.home / LAYOUT.source_ids
    return len(np.load(file)) if file.exists() else None


def main() -> None:
    """Make and score all models of one language."""
    parser = head.parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN, threads=2, seed=42)
    parser.add_argument("output", type=Path, help="folder for the models; what is done there is used again")
    parser.add_argument("--new", type=int, nargs="+", default=[500, 2_000, 5_000, 10_000])
    arguments = head.parse(parser)
    folder, source = arguments.data / arguments.language, arguments.models / "e5-small"
    arguments.output.mkdir(parents=True, exist_ok=True)
    name = f"{arguments.language}.txt"
    corpus = first_bytes(folder / "corpus.txt.gz", CORPUS_BYTES, arguments.output / name)
    original = encoder(source)
    benchmark = Benchmark(folder, original)
    rows: dict[str, Any] = {"original": row_of(benchmark, original, len(original.tokenizer))}
    costs: dict[str, Any] = {}
    for variant, settings in variants(arguments.new, arguments.seed, arguments.threads).items():
        output = arguments.output / f"{arguments.language}-{variant.replace(' ', '')}"
        specialize(source, [str(corpus)], output, settings, overwrite=True)
        measured = read_json(output / LAYOUT.home / LAYOUT.measured)["stages"]
        costs[variant] = {stage: cost.get("cpu_seconds") for stage, cost in measured.items()}
        rows[variant] = row_of(benchmark, encoder(output), kept_tokens(output))
        print(variant, rows[variant], flush=True)
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    print(f"{'':<14}" + "".join(f"{column:>12}" for column in columns))
    for variant, row in rows.items():
        values = (row.get(column) for column in columns)
        shown = ("–" if v is None else f"{v:,}" if isinstance(v, int) else f"{v:.4f}" for v in values)
        print(f"{variant:<14}" + "".join(f"{value:>12}" for value in shown))
    result = {
        "question": "what do new tokens cost and save before any training?",
        "language": arguments.language,
        "corpus_bytes": corpus.stat().st_size,
        "heldout_lines": len(benchmark.heldout),
        "seed": arguments.seed,
        "threads": arguments.threads,
        "rows": rows,
        "cpu_seconds": costs,
    }
    print(head.save(f"graft_{arguments.language}", result))


if __name__ == "__main__":
    main()
