"""Quality of specialised sentence encoders before any training, against the original model.

    python -m benchmarks.sentences --original models/e5-small --data ../shared/data --language de OUT [OUT …]

For each model: mean cosine to the original's vectors on the first 1,000 held-out lines, precision@1 of
finding the English translation (embedded by the original) of the first 500 sentences of Tatoeba and NTREX,
and, where there is one, Spearman's correlation on the STS test set. Inputs carry E5's prefix "query: ".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import results
from monoglot.evaluation.sentences import embed, mean_cosine, precision_at_1
from monoglot.model.folder import load_model, load_tokenizer
from monoglot.progress import Terminal

HELDOUT_LINES, PAIRS = 1000, 500


def read_jsonl(path: Path) -> list[dict]:
    """The records of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation; equal values share the mean of their ranks."""

    def ranks(values: np.ndarray) -> np.ndarray:
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[place]

    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])


Encode = Callable[[list[str]], np.ndarray]


def encoder(folder: Path) -> Encode:
    """A function from texts to vectors."""
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    return lambda texts: embed(model, tokenizer, texts, prefix="query: ", progress=Terminal())


class Benchmark:
    """The texts of one language, and the original's vectors of them."""

    def __init__(self, folder: Path, original: Encode) -> None:
        lines = (folder / "heldout.txt").read_text(encoding="utf-8").split("\n")
        self.heldout = [line for line in lines if line][:HELDOUT_LINES]
        names = {path.name.split("_")[0]: path for path in sorted((folder / "bitext").glob("*_eng.jsonl"))}
        self.pairs = {name: read_jsonl(path)[:PAIRS] for name, path in names.items()}
        sts = folder / "sts" / "test.jsonl"
        self.sts = read_jsonl(sts) if sts.exists() else []
        self.original_heldout = original(self.heldout)
        self.english = {name: original([p["eng"] for p in pairs]) for name, pairs in self.pairs.items()}

    def score(self, encode: Encode) -> dict[str, float]:
        """All figures of one model."""
        scores = {"cosine": mean_cosine(encode(self.heldout), self.original_heldout)}
        for name, pairs in self.pairs.items():
            scores[name] = precision_at_1(encode([p["src"] for p in pairs]), self.english[name])
        if self.sts:
            cosines = (encode([p["s1"] for p in self.sts]) * encode([p["s2"] for p in self.sts])).sum(axis=1)
            scores["sts"] = spearman(cosines, np.array([p["score"] for p in self.sts]))
        return scores


def main() -> None:
    """Score the original and each specialised model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outputs", type=Path, nargs="+")
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--language", required=True)
    parser.add_argument("--save-as", help="name of the result in benchmarks/results")
    arguments = parser.parse_args()
    folder = arguments.data / arguments.language
    if not (folder / "heldout.txt").exists():
        sys.exit(f"no data: {folder} has no heldout.txt; say where the data are with --data")
    original = encoder(arguments.original)
    benchmark = Benchmark(folder, original)
    rows = {"original": benchmark.score(original)}
    for output in arguments.outputs:
        rows[output.name] = benchmark.score(encoder(output))
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    print(f"{'':<28}" + "".join(f"{name:>10}" for name in names))
    for model, row in rows.items():
        print(f"{model:<28}" + "".join(f"{row.get(name, float('nan')):>10.3f}" for name in names))
    if arguments.save_as:
        results.save(arguments.save_as, {"language": arguments.language, "scores": rows})


if __name__ == "__main__":
    main()
