"""How near do grafts and replacements come to the original by distillation, and how much do seeds matter?

    python -m experiments.distillation.run --data ../shared/data --models models --language de

multilingual-e5-small gets a vocabulary from the first 12 MB of a corpus: trim, grafts of 2,000 and 10,000 new
tokens, and replacement. All but trim are then distilled on text of that corpus, with the defaults of `adapt`
for their share of new tokens. A seed decides the order of the text and what else is random in the training;
the untrained models are the same for all seeds. Distance (1 - cosine) to the original's sentence vectors on
200 held-out lines, before and after. Trim is not trained: its vectors are those that distillation aims at.

Small: a graft of 2,000, 50,000 tokens, three seeds; paper: also a graft of 10,000 and replacement, and
250,000 and a million tokens. On an accelerator, models are trained there. A run that was stopped resumes;
what is done is in ``--work``, and in the result with the device. The result is `<scale>_<language>.json`,
with the name of a ``--schedule`` at its end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any, get_args

from benchmarks import head, pages
from benchmarks.graft import CORPUS_BYTES, first_bytes
from benchmarks.sentences import encoder
from experiments.experiment import Dot, Results, budget, parser, picture, spread
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.evaluation.sentences import mean_cosine
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.run.layout import LAYOUT
from monoglot.training.schedule import SCHEDULE, TrainingSettings

HERE = Path(__file__).parent
MODES: dict[str, dict[str, Any]] = {
    "trim": {"mode": "trim"},
    "graft +2,000": {"mode": "graft", "new_tokens": 2_000},
    "graft +10,000": {"mode": "graft", "new_tokens": 10_000},
    "replace": {"mode": "replace"},
}
TRAINED = {"small": ("graft +2,000",), "paper": ("graft +2,000", "graft +10,000", "replace")}
TOKENS = {"small": (50_000,), "paper": (50_000, 250_000, 1_000_000)}
SEEDS = 3
LINES = 200
"""Held-out lines to score."""
PREFIX = "query: "


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

    @property
    def heldout(self) -> Path:
        """The lines that all are scored on."""
        file = self.work / "heldout.txt"
        if not file.exists():
            lines = (self.data / "heldout.txt").read_text(encoding="utf-8").split("\n")
            self.work.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join([line for line in lines if line][:LINES]) + "\n", encoding="utf-8")
        return file

    def untrained(self, mode: str) -> Path:
        """The model of a mode."""
        output = self.work / mode.replace(" +", "-").replace(",", "")
        if not output.exists():
            settings = Settings(**MODES[mode], seed=self.seed, threads=1)
            specialize(self.source, [str(self.corpus)], output, settings, progress=Terminal())
        return output

    def trained(self, mode: str, tokens: int, seed: int, schedule: SCHEDULE | None = None) -> Path:
        """The model of a mode after distillation.

        Args:
            mode: One of the modes that are trained.
            tokens: Length of the training.
            seed: Its seed.
            schedule: What of it is trained; by default as `adapt` chooses.
        """
        start = self.untrained(mode)
        output = self.work / "-".join(filter(None, (start.name, f"{tokens}-{seed}", schedule)))
        if not output.exists():
            settings = AdaptSettings(
                objective="distill", objective_options={"prefix": PREFIX}, teacher=str(self.source),
                heldout=str(self.heldout), threads=1, seed=seed,
            )  # fmt: skip
            training = TrainingSettings(tokens=tokens, checks=1, keep=1, schedule=schedule)
            adapt(start, self.corpus, output, settings, training, progress=Terminal())
        return output


def distances(folder: Path) -> tuple[float, float]:
    """Held-out distances before and after a training."""
    lines = (folder / LAYOUT.home / LAYOUT.metrics).read_text(encoding="utf-8").splitlines()
    found = [line["distance_to_teacher"] for line in map(json.loads, lines) if "distance_to_teacher" in line]
    return found[0], found[-1]


def name_of(mode: str, tokens: int, seed: int) -> str:
    """What a run is called."""
    return f"{mode}, {tokens:,} tokens, seed {seed}"


def by_training(rows: Mapping[str, Any]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """The runs of each mode and number of tokens."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows.values():
        found.setdefault((row["mode"], row["tokens"]), []).append(row)
    return found


def shown(content: Mapping[str, Any]) -> str:
    """A line for each mode and number of tokens."""
    lines = []
    for (mode, tokens), runs in by_training(content["rows"]).items():
        one, devices = runs[0], ", ".join(sorted({run["device"] for run in runs}))
        lines.append([
            mode, f"{one['vocabulary']:,}", f"{one['parameters'] / 1e6:.1f}M",
            f"{1 - one['relative_tokens']:.1%}".replace("-", "−"), f"{tokens:,}", str(len(runs)), devices,
            f"{one['before']:.4f}", spread([run["after"] for run in runs]),
        ])  # fmt: skip
    heads = ["", "vocabulary", "parameters", "tokens saved", "trained on tokens", "seeds", "trained on",
             "distance before", "distance after"]  # fmt: skip
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def chart(rows: Mapping[str, Any]) -> str:
    """The picture: distances to the original, with the deviation over seeds."""
    dots = []
    for (mode, tokens), runs in by_training(rows).items():
        after = [run["after"] for run in runs]
        margin = stdev(after) if len(after) > 1 else 0.0
        dots.append(Dot(f"{mode}, {tokens:,}" if tokens else mode, mean(after), margin))
    return picture("Distance to the original on held-out lines (less is better)", dots)


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Make and train what is not in the result yet."""
    data, source = arguments.data / arguments.language, arguments.models / "e5-small"
    models = Models(source, data, arguments.work / f"distillation-{arguments.language}", arguments.seed)
    original = load_tokenizer(source)
    heldout = models.heldout.read_text(encoding="utf-8").splitlines()
    before = score_tokenizer(original, heldout).tokens
    runs = {
        name_of(mode, tokens, seed): (mode, tokens, seed)
        for tokens in TOKENS[arguments.scale]
        for mode in TRAINED[arguments.scale]
        for seed in range(arguments.seed, arguments.seed + SEEDS)
    }

    def row(name: str) -> dict[str, Any]:
        if name == "trim":
            folder, mode, tokens, seed = models.untrained(name), name, 0, arguments.seed
            start = end = 1 - mean_cosine(encoder(source)(heldout), encoder(folder)(heldout))
        else:
            mode, tokens, seed = runs[name]
            folder = models.trained(mode, tokens, seed, arguments.schedule)
            start, end = distances(folder)
        tokenizer = load_tokenizer(folder)
        return {
            "mode": mode, "tokens": tokens, "seed": seed, "device": head.device(),
            "vocabulary": len(tokenizer), "parameters": count_parameters(folder),
            "relative_tokens": score_tokenizer(tokenizer, heldout).tokens / before,
            "before": start, "after": end,
        }  # fmt: skip

    results.measure(about, ("trim", *runs), row)


def main() -> None:
    """Measure what is not in the result yet; write table and picture."""
    made = parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN)
    made.add_argument("--schedule", choices=get_args(SCHEDULE), help="by default as `adapt` chooses")
    arguments = head.parse(made)
    names = (arguments.scale, arguments.language, arguments.schedule)
    results = Results(HERE, "_".join(filter(None, names)))
    about = {
        "question": "how near do grafts and replacements come to the original by distillation?",
        "language": arguments.language, "corpus_bytes": CORPUS_BYTES, "seed": arguments.seed,
    }  # fmt: skip
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, chart)


if __name__ == "__main__":
    main()
