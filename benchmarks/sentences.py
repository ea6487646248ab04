"""Quality of specialized sentence encoders before any training, against the original model.

    python -m benchmarks.sentences --original models/e5-small --data ../shared/data --language de OUT [OUT …]

For each model: mean cosine to the original's vectors on the first 1,000 held-out lines, precision@1 of
finding the English translation (embedded by the original) of the first 500 sentences of Tatoeba and NTREX,
and, where there is one, Spearman's correlation on the STS test set. Inputs carry E5's prefix "query: ".
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import head
from monoglot.device import device_of
from monoglot.evaluation.labeled_data import read_split
from monoglot.evaluation.sentences import SentenceEncoder, found_at_1, mean_cosine
from monoglot.evaluation.tasks.retrieval import Retrieval
from monoglot.evaluation.tasks.sts import Similarity
from monoglot.model.folder import load_model
from monoglot.model.pooling import read_pooling
from monoglot.model.tokenizer_folder import load_tokenizer

HELDOUT_LINES, PAIRS = 1000, 500


def encoder(folder: Path) -> SentenceEncoder:
    """The model of a folder, as it makes vectors; on the accelerator, if there is one."""
    model: Any = load_model(folder)
    return SentenceEncoder(model.to(device_of(None)), load_tokenizer(folder), read_pooling(folder), "query: ")


class Benchmark:
    """The texts of one language, and the original's vectors of them."""

    def __init__(self, folder: Path, original: SentenceEncoder) -> None:
        lines = (folder / "heldout.txt").read_text(encoding="utf-8").split("\n")
        self.heldout = [line for line in lines if line][:HELDOUT_LINES]
        self.pairs = {
            path.name.split("_")[0]: read_split(str(path), Retrieval.columns, "test").records[:PAIRS]
            for path in sorted((folder / "bitext").glob("*_eng.jsonl"))
        }
        sts = folder / "sts" / "test.jsonl"
        self.sts = read_split(str(sts), Similarity.columns, "test") if sts.exists() else None
        self.original = original
        self.original_heldout = original(self.heldout)
        self.english = {
            name: original([pair["english"] for pair in pairs]) for name, pairs in self.pairs.items()
        }

    def score(self, encode: SentenceEncoder) -> dict[str, float]:
        """All figures of one model."""
        return self.score_with(encode, self.vectors(encode))

    def vectors(self, encode: SentenceEncoder) -> np.ndarray:
        """The vectors of the held-out lines."""
        return self.original_heldout if encode is self.original else encode(self.heldout)

    def score_with(self, encode: SentenceEncoder, heldout: np.ndarray) -> dict[str, float]:
        """All figures of one model, whose vectors of the held-out lines are known."""
        scores = {"cosine": mean_cosine(heldout, self.original_heldout)}
        scores |= {name: float(found.mean()) for name, found in self.found(encode).items()}
        if self.sts:
            scores["sts"] = Similarity().compare(self.sts, encode, self.original)["spearman"]
        return scores

    def found(self, encode: SentenceEncoder) -> dict[str, np.ndarray]:
        """Whether each sentence finds its translation, which the original embeds."""
        return {
            name: found_at_1(encode([pair["sentence"] for pair in pairs]), self.english[name])
            for name, pairs in self.pairs.items()
        }


def main() -> None:
    """Score the original and each specialized model."""
    parser = head.parser(__doc__, "data", language=head.MUST_BE_GIVEN)
    parser.add_argument("outputs", type=Path, nargs="+")
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--save-as", help="name of the result in benchmarks/results")
    arguments = head.parse(parser)
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
        head.save(arguments.save_as, {"language": arguments.language, "scores": rows})


if __name__ == "__main__":
    main()
