"""Which initialization is best for German, after equal tokens and after equal CPU seconds?

    python -m experiments.initialization_german.run --data ../shared/data

Small: the masked model and the German text that come with monoglot. `monoglot compare` gives one vocabulary
to FOCUS as the paper has it (`focus-reference`), `focus`, `blend`, WECHSEL, and its controls subword, random,
trim and the original's vocabulary; `specialize --mode graft` makes a graft of as many tokens, which `adapt`
trains alike. WECHSEL's source vectors are of text in all nine languages of the model (``--data``/open),
German among them, in equal parts; its dictionary has English and German words, and each frequent German
word with itself.

Paper: XLM-R base and ``--corpus``, with the paper's tokens and rates. A run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from benchmarks import head, pages
from experiments.experiment import Results, budget, parser, spread
from monoglot import AdaptSettings, CompareSettings, Settings, adapt, compare, specialize
from monoglot._hf import FastTextModel
from monoglot.demo import heldout_path, model_path, sample_path
from monoglot.pipeline.compare.run import spread as spread_lines
from monoglot.pipeline.compare.variants import slug
from monoglot.pipeline.demo import TRAINING
from monoglot.progress import Terminal
from monoglot.reporting.figures.comparison import Series, comparison_curves
from monoglot.reporting.summary import count_parameters
from monoglot.reporting.svg import standalone
from monoglot.run import read_json
from monoglot.run.layout import LAYOUT
from monoglot.training.schedule import TrainingSettings

HERE = Path(__file__).parent
METHODS = ("focus-reference", "focus", "blend")
LANGUAGES = ("ar", "de", "en", "fi", "hi", "ja", "sw", "tr", "xh")
WORD = re.compile(r"\w+")
Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Scale:
    """How large the experiment is.

    Attributes:
        vocabulary: Tokens of every new vocabulary.
        new_tokens: Of these, how many are new in the graft.
        tokens: How many tokens each is trained on.
        lines: Held-out lines that are scored.
        word_bytes: Text of each language that word vectors are trained on.
        training: Settings of the training.
        seeds: How many times to train each.
    """

    vocabulary: int
    new_tokens: int
    tokens: int
    lines: int
    word_bytes: int
    training: dict[str, Any] = field(default_factory=dict)
    seeds: int = 3


SCALES = {
    "small": Scale(16_000, 2_000, 40_960, 40, 1_000_000, TRAINING),
    "paper": Scale(
        50_048, 10_000, 12_800_000_000, 1_000, 100_000_000,
        {"batch_tokens": 32_768, "learning_rate": 5e-5, "decay": "constant", "checks": 20},
    ),
}  # fmt: skip


def at_cost(curve: Curve, seconds_per_token: float, budget_seconds: float) -> float:
    """The figure at a point of a training, between two checks by a straight line.

    Args:
        curve: Tokens and figure, in order.
        seconds_per_token: What a token costs.
        budget_seconds: What was spent.
    """
    tokens, figures = zip(*curve, strict=True)
    return float(np.interp(budget_seconds / seconds_per_token, tokens, figures))


def training_seconds(probe_seconds: float, score_seconds: float, scores: int) -> float:
    """CPU seconds of a training without the scores on held-out text that it was interrupted for."""
    return max(probe_seconds - scores * score_seconds, 0.0)


def word_lines(lines: Iterable[str], without: frozenset[str], most_bytes: int) -> Iterator[str]:
    """Give lines as words divided by spaces, up to so many bytes, without those that are scored on."""
    size_bytes = 0
    for line in lines:
        if line.strip() in without:
            continue
        text = " ".join(WORD.findall(line))
        size_bytes += len(text.encode()) + 1
        if size_bytes > most_bytes:
            return
        yield text


def frequent_words(lines: Iterable[str], least: int) -> list[str]:
    """Words that occur so often, the most frequent first."""
    counts = Counter(word for line in lines for word in WORD.findall(line))
    return [word for word, count in counts.most_common() if count >= least]


def read_text(path: Path) -> Iterator[str]:
    """The lines of a compressed text."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n")


def train_words(lines: Iterable[str], file: Path, seed: int) -> Path:
    """Train word vectors of 100 dimensions with n-grams, unless they are there."""
    if not file.exists():
        text = file.with_suffix(".txt")
        text.write_text("\n".join(lines) + "\n", encoding="utf-8")
        made = FastTextModel.train(
            text, "cbow", dim=100, epoch=5, minCount=5, neg=10, minn=3, maxn=6, bucket=100_000, seed=seed,
            thread=1,
        )  # fmt: skip
        made.binding.saveModel(str(file))
    return file


def wechsel(data: Path, corpus: Path, scored: Sequence[str], scale: Scale, work: Path, seed: int) -> str:
    """Make word vectors and dictionary; give WECHSEL's name with its options."""
    without = frozenset(line.strip() for line in scored)
    mixed = (
        line
        for language in LANGUAGES
        for line in word_lines(read_text(data / "open" / f"{language}.txt.gz"), without, scale.word_bytes)
    )
    german = list(word_lines(read_text(corpus), without, scale.word_bytes * 2))
    source, target = train_words(mixed, work / "nine.bin", seed), train_words(german, work / "de.bin", seed)
    dictionary = work / "dictionary.tsv"
    pairs = list(read_text(data / "de" / "dict" / "wechsel_en_de.tsv.gz"))
    same = [f"{word}\t{word}" for word in frequent_words(german, 5)]
    dictionary.write_text("\n".join([*pairs, *same]) + "\n", encoding="utf-8")
    return f"wechsel:dictionary={dictionary}:source_vectors={source}:target_vectors={target}"


def compared(output: Path, settings: CompareSettings) -> dict[str, Any]:
    """The rows of a finished comparison."""
    found = read_json(output / LAYOUT.comparison)
    rows: dict[str, Any] = {}
    for one in found["contestants"]:
        stages = output / LAYOUT.home
        name, folder = one["name"], {"original vocabulary": "original"}.get(one["name"], slug(one["name"]))
        seconds = None
        if one["curves"]:
            score_seconds = median(_cpu_seconds(stages, f"{folder}.start*"))
            scores = len(one["curves"][0]) + 1  # at each point of the curve, and line by line at the end
            probe_seconds = median(_cpu_seconds(stages, f"{folder}.probe-*"))
            seconds = training_seconds(probe_seconds, score_seconds, scores)
        rows[name.split(":")[0]] = {
            "vocabulary": one["vocabulary"],
            "parameters": one["parameters"],
            "control": one["control"],
            "before": one["start"]["heldout"]["values"],
            "after": one["end"]["heldout"]["values"] if one.get("end") else [],
            "curves": one["curves"],
            "training_cpu_seconds": seconds,
            "text_bytes": one["probe_text_bytes"],
        }
    return rows


def _cpu_seconds(home: Path, pattern: str) -> list[float]:
    """CPU seconds of the stages of some name, leaving out those that a resumed run only read."""
    return [read_json(folder / LAYOUT.measured)["cpu_seconds"] for folder in sorted(home.glob(pattern))]


def grafted(
    source: Path, corpus: Path, heldout: Path, scale: Scale, work: Path, seed: int, score_seconds: float
) -> dict[str, Any]:
    """Make a graft of as many tokens, train it with each seed, and give its row."""
    settings = Settings(
        mode="graft", vocabulary_size=scale.vocabulary, new_tokens=scale.new_tokens, heldout=str(heldout),
        threads=1, seed=seed,
    )  # fmt: skip
    output = work / "graft"
    if not output.exists():
        specialize(source, [str(corpus)], output, settings, progress=Terminal())
    options = {"checks": 5, "keep": 1, "batch_tokens": 2048} | scale.training
    training = TrainingSettings(tokens=scale.tokens, **options)
    curves, seconds = [], []
    for one in range(seed, seed + scale.seeds):
        trained = work / f"graft-{one}"
        if not trained.exists():
            learning = AdaptSettings(heldout=str(heldout), seed=one, threads=1)
            adapt(output, [str(corpus)], trained, learning, training, progress=Terminal())
        home = trained / LAYOUT.home
        points = curve_of((home / LAYOUT.metrics).read_text(encoding="utf-8"))
        curves.append(points)
        cost = read_json(home / LAYOUT.measured)["stages"]["adapted"]["cpu_seconds"]
        seconds.append(training_seconds(cost, score_seconds, len(points)))
    return {
        "vocabulary": scale.vocabulary,
        "parameters": count_parameters(output),
        "control": False,
        "before": [curves[0][0][1]],
        "after": [curve[-1][1] for curve in curves],
        "curves": curves,
        "training_cpu_seconds": median(seconds),
        "text_bytes": None,
    }


def curve_of(metrics: str) -> list[tuple[int, float]]:
    """Tokens and held-out bits per byte from the lines of a training's record."""
    lines = [json.loads(line) for line in metrics.splitlines()]
    return [(line["tokens"], line["bits_per_byte"]) for line in lines if "bits_per_byte" in line]


def shown(content: Mapping[str, Any]) -> str:
    """The table of a result: the best after equal tokens first."""
    rows, tokens = content["rows"], content["tokens"]
    trained = {name: row for name, row in rows.items() if row["after"]}
    least = min(row["training_cpu_seconds"] for row in trained.values())
    lines = []
    for name, row in sorted(rows.items(), key=lambda item: mean(item[1]["after"] or item[1]["before"])):
        cells = [f"{name} (control)" if row["control"] else name, f"{row['vocabulary']:,}"]
        cells += [f"{row['parameters'] / 1e6:.2f}M", spread(row["before"], 3)]
        if name in trained:
            cost = row["training_cpu_seconds"]
            at_same = [at_cost(curve, cost / tokens, least) for curve in row["curves"]]
            cells += [spread(row["after"], 3), f"{1e3 * cost / tokens:.2f}", spread(at_same, 3)]
        else:
            cells += ["–", "–", "–"]
        lines.append(cells)
    columns = [
        "initialization", "tokens", "parameters", "bits per byte, untrained", f"after {tokens:,} tokens",
        "CPU s per 1,000 tokens", f"after {least:.0f} CPU s",
    ]  # fmt: skip
    return pages.table(columns, lines) + f"\n\n{budget(content)}; {content['seeds']} seeds, mean ± deviation."


def curves(rows: Mapping[str, Any]) -> str:
    """Curves of all that were trained."""
    series = [Series(name, row["curves"], row["control"]) for name, row in rows.items() if row["curves"]]
    return standalone(comparison_curves("bits per byte, held-out German", series))


def prepared(arguments: argparse.Namespace, scale: Scale) -> tuple[Path, Path, Path]:
    """Source, corpus, and the lines that are scored."""
    if arguments.scale == "small":
        source, corpus, lines = (
            model_path(),
            sample_path("de"),
            heldout_path("de").read_text("utf-8").split("\n"),
        )
    else:
        source, corpus = Path(arguments.model), Path(arguments.corpus or arguments.data / "de/corpus.txt.gz")
        lines = (arguments.data / "de" / "heldout.txt").read_text("utf-8").split("\n")
    heldout: Path = arguments.work / "heldout.txt"
    heldout.write_text(
        "".join(f"{line}\n" for line in spread_lines([line for line in lines if line], scale.lines)), "utf-8"
    )
    return source, corpus, heldout


def main() -> None:
    """Run the experiment, and write result, table and picture."""
    made = parser(__doc__, "data")
    made.add_argument("--model", default="FacebookAI/xlm-roberta-base", help="at the scale of the paper")
    made.add_argument("--corpus", help="text at the scale of the paper, CC100 say")
    arguments = head.parse(made, checked=False)
    results, scale = Results(HERE, arguments.scale), SCALES[arguments.scale]
    if not arguments.table:
        arguments.work = arguments.work / f"{HERE.name}-{arguments.scale}"
        arguments.work.mkdir(parents=True, exist_ok=True)
        measure(arguments, scale, results)
    content = results.read()
    results.show(shown(content), curves(content["rows"]))


def measure(arguments: argparse.Namespace, scale: Scale, results: Results) -> None:
    """Train everything that is not there yet."""
    source, corpus, heldout = prepared(arguments, scale)
    scored = list(takewhile(bool, heldout.read_text(encoding="utf-8").split("\n")))
    words = wechsel(arguments.data, corpus, scored, scale, arguments.work, arguments.seed)
    settings = CompareSettings(
        methods=(*METHODS, words), probe_tokens=scale.tokens, seeds=scale.seeds, lines=scale.lines,
        seed=arguments.seed, threads=arguments.threads, vocabulary_size=scale.vocabulary,
        heldout=str(heldout), adapt_options=scale.training,
    )  # fmt: skip
    output = arguments.work / "comparison"
    if not output.exists():
        compare(source, [str(corpus)], output, settings, progress=Terminal())
    rows = compared(output, settings)
    found = read_json(output / LAYOUT.comparison)
    score_seconds = median(_cpu_seconds(output / LAYOUT.home, "trim.start*"))
    rows["graft"] = grafted(source, corpus, heldout, scale, arguments.work, arguments.seed, score_seconds)
    about = {
        "question": "which initialization is best for German after equal tokens, and equal CPU seconds?",
        "tokens": scale.tokens, "seeds": scale.seeds, "seed": arguments.seed, "lines": len(scored),
        "training": scale.training, "threads": arguments.threads,
    }  # fmt: skip
    results.save(about, rows, verdict=found["verdict"], differences=found["differences"])


if __name__ == "__main__":
    main()
