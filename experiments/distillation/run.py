"""How near do grafts and replacements come to the original by distillation, and how much do seeds matter?

    python -m experiments.distillation.run --data ../shared/data --models models --language de

multilingual-e5-small gets a vocabulary from the first 12 MB of a corpus: trim, grafts of 2,000 and 10,000 new
tokens, and replacement. The last three are then distilled on text of that corpus, with the defaults of
`adapt` for their share of new tokens. A seed decides the order of the text and what else is random in the
training; the untrained models are the same for all seeds. Scored as `benchmarks.sentences` does: cosine to
the original's vectors on held-out lines, P@1 on Tatoeba and NTREX, and STS where there is a test set. The
original and trim are not trained: their vectors are those that distillation aims at. Small: 50,000 tokens,
one seed; paper: 250,000 tokens with three seeds and a million with one. The result is
`<scale>_<language>.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks import head, pages
from benchmarks.graft import CORPUS_BYTES, first_bytes, lengths
from benchmarks.sentences import Benchmark, encoder
from experiments.experiment import Dot, Results, budget, parser, picture, spread
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.training.schedule import TrainingSettings

HERE = Path(__file__).parent
MODES: dict[str, dict[str, Any]] = {
    "trim": {"mode": "trim"},
    "graft +2,000": {"mode": "graft", "new_tokens": 2_000},
    "graft +10,000": {"mode": "graft", "new_tokens": 10_000},
    "replace": {"mode": "replace"},
}
TRAINED = ("graft +2,000", "graft +10,000", "replace")
RUNS = {"small": {50_000: 1}, "paper": {250_000: 3, 1_000_000: 1}}
"""Tokens of training, and how many seeds each is repeated with."""
PREFIX = "query: "
SCORES = {"cosine": "distance", "tatoeba": "Tatoeba", "ntrex": "NTREX", "sts": "STS"}
"""What is measured, and how the table calls it."""


@dataclass(frozen=True)
class Models:
    """The models of one language, each made once.

    Attributes:
        source: The original.
        data: The language's folder.
        work: Where models go.
        seed: Seed of the untrained models, and the first seed of training.
    """

    source: Path
    data: Path
    work: Path
    seed: int

    @property
    def corpus(self) -> Path:
        """The text that vocabularies are made from."""
        self.work.mkdir(parents=True, exist_ok=True)
        return first_bytes(self.data / "corpus.txt.gz", CORPUS_BYTES, self.work / "corpus.txt")

    def untrained(self, mode: str) -> Path:
        """The model of a mode."""
        output = self.work / mode.replace(" +", "-").replace(",", "")
        if not output.exists():
            settings = Settings(**MODES[mode], seed=self.seed, threads=1)
            specialize(self.source, [str(self.corpus)], output, settings, progress=Terminal())
        return output

    def trained(self, mode: str, tokens: int, seed: int, corpus: Path | None = None) -> Path:
        """The model of a mode after distillation.

        Args:
            mode: One of the modes that are trained.
            tokens: Length of the training.
            seed: Its seed.
            corpus: What it is trained on; by default the text that the vocabulary was made from.
        """
        start, text = self.untrained(mode), corpus or self.corpus
        other = f"-{corpus.stem}" if corpus else ""
        output = self.work / f"{start.name}-{tokens}-{seed}{other}"
        if not output.exists():
            settings = AdaptSettings(
                objective="distill", objective_options={"prefix": PREFIX}, teacher=str(self.source),
                threads=1, seed=seed,
            )  # fmt: skip
            training = TrainingSettings(tokens=tokens, checks=1, keep=1)
            adapt(start, text, output, settings, training, progress=Terminal())
        return output


def name_of(mode: str, tokens: int) -> str:
    """What a row is called."""
    return f"{mode}, {tokens:,} tokens" if tokens else mode


def figures(row: Mapping[str, Any], key: str) -> list[float]:
    """One figure of a row, of each seed; distances instead of cosines."""
    return [1 - one[key] if key == "cosine" else one[key] for one in row["scores"]]


def shown(content: Mapping[str, Any]) -> str:
    """A line for each mode and budget."""
    rows = content["rows"]
    keys = [key for key in SCORES if key in rows["original"]["scores"][0]]
    lines = [
        [
            name, f"{row['tokens']:,}", f"{row['parameters'] / 1e6:.1f}M",
            f"{1 - row['relative_tokens']:.1%}".replace("-", "−"), str(len(row["scores"])),
            *(spread(figures(row, key), 4 if key == "cosine" else 3) for key in keys),
        ]
        for name, row in rows.items()
    ]  # fmt: skip
    heads = ["", "tokens", "parameters", "tokens saved", "runs", *(SCORES[key] for key in keys)]
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def chart(rows: Mapping[str, Any]) -> str:
    """The picture: distances to the original, with the deviation over seeds."""
    title = "1 - cosine to the original's vectors, held-out lines (less is better)"
    found = {name: figures(row, "cosine") for name, row in rows.items()}
    return picture(
        title,
        [
            Dot(name, mean(values), stdev(values) if len(values) > 1 else 0.0)
            for name, values in found.items()
        ],
    )


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Make, train and score what is not in the result yet."""
    data, source = arguments.data / arguments.language, arguments.models / "e5-small"
    models = Models(source, data, arguments.work / f"distillation-{arguments.language}", arguments.seed)
    benchmark = Benchmark(data, encoder(source))
    folders = {"original": lambda: [source]}
    for mode in MODES:
        folders[mode] = lambda mode=mode: [models.untrained(mode)]
    for tokens, seeds in RUNS[arguments.scale].items():
        for mode in TRAINED:
            folders[name_of(mode, tokens)] = lambda mode=mode, tokens=tokens, seeds=seeds: [
                models.trained(mode, tokens, arguments.seed + number) for number in range(seeds)
            ]

    def row(name: str) -> dict[str, Any]:
        made = folders[name]()
        encoders = [encoder(folder) for folder in made]
        relative = lengths(encoders[0], benchmark.heldout) / lengths(benchmark.original, benchmark.heldout)
        return {
            "tokens": len(encoders[0].tokenizer),
            "parameters": count_parameters(made[0]),
            "relative_tokens": relative,
            "scores": [benchmark.score(encode) for encode in encoders],
        }

    results.measure(about, folders, row)


def main() -> None:
    """Measure what is not in the result yet; write table and picture."""
    arguments = head.parse(parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN))
    results = Results(HERE, f"{arguments.scale}_{arguments.language}")
    about = {
        "question": "how near do grafts and replacements come to the original by distillation?",
        "language": arguments.language, "corpus_bytes": CORPUS_BYTES,
        "runs": {str(tokens): seeds for tokens, seeds in RUNS[arguments.scale].items()},
        "seed": arguments.seed,
    }  # fmt: skip
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, chart)


if __name__ == "__main__":
    main()
