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
from statistics import mean
from typing import Any

import numpy as np

from benchmarks import head, pages
from benchmarks.decoder_graft import StepClock, step_seconds
from experiments.experiment import Results, budget, parser, spread
from monoglot import AdaptSettings, CompareSettings, Settings, adapt, compare, specialize
from monoglot._hf import FastTextModel
from monoglot.demo import heldout_path, model_path, sample_path
from monoglot.evaluation.bits_per_byte import LanguageSettings
from monoglot.evaluation.line_scores import BitsPerByte, paired_difference
from monoglot.evaluation.settings import SCORED_WORDS
from monoglot.model.folder import load_model
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.compare.run import spread as spread_lines
from monoglot.pipeline.compare.variants import slug
from monoglot.pipeline.demo import TRAINING
from monoglot.progress import Terminal
from monoglot.reporting.figures.comparison import Series, comparison_curves
from monoglot.reporting.summary import count_parameters
from monoglot.run import read_json
from monoglot.run.layout import LAYOUT
from monoglot.training.schedule import TrainingSettings

HERE = Path(__file__).parent
METHODS = ("focus-reference", "focus", "blend")
LANGUAGES = ("ar", "de", "en", "fi", "hi", "ja", "sw", "tr", "xh")
WORD = re.compile(r"\w+")
ORIGINAL = "original vocabulary"
STEPS_TIMED, ROUNDS = 20, 3
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


def compared(output: Path) -> tuple[dict[str, Any], np.ndarray]:
    """The rows of a finished comparison, and the bytes of the lines that were scored."""
    found = read_json(output / LAYOUT.comparison)
    rows: dict[str, Any] = {}
    line_bytes = np.array([])
    for one in found["contestants"]:
        name = one["name"]
        folder = "original" if name == ORIGINAL else slug(name)
        scores = [
            read_json(file / LAYOUT.scores.name)["scores"]["heldout"]
            for file in sorted((output / LAYOUT.home).glob(f"{folder}.probe-[0-9]*"))
        ]
        line_bytes = np.array(scores[0]["sizes"]) if scores else line_bytes
        rows[name.split(":")[0]] = {
            "vocabulary": one["vocabulary"],
            "parameters": one["parameters"],
            "control": one["control"],
            "before": one["start"]["heldout"]["values"],
            "after": one["end"]["heldout"]["values"] if one.get("end") else [],
            "curves": one["curves"],
            "line_bits": [score["amounts"] for score in scores],
        }
    return rows, line_bytes


def against_trim(rows: Mapping[str, Any], line_bytes: np.ndarray, seed: int) -> dict[str, list[float]]:
    """Bits per byte after training less those of trim, with the ends of a 95% interval."""
    trim = np.array(rows["trim"]["line_bits"])
    found = {}
    for name, row in rows.items():
        if row["line_bits"] and name != "trim":
            gap = paired_difference(np.array(row["line_bits"]), trim, line_bytes, seed=seed)
            found[name] = [gap.value, gap.low, gap.high]
    return found


def step_costs(
    models: Mapping[str, Path], corpus: Path, scale: Scale, work: Path, seed: int
) -> dict[str, float]:
    """CPU seconds of a training step with each model: the least of some rounds, taken in turns."""
    found: dict[str, list[float]] = {name: [] for name in models}
    options = scale.training | {"checks": 1, "keep": 1}
    training = TrainingSettings(tokens=STEPS_TIMED * options["batch_tokens"], **options)
    for number in range(ROUNDS):
        for name, model in models.items():
            clock = StepClock()
            learning = AdaptSettings(seed=seed + number, threads=1)
            adapt(model, [str(corpus)], work / "timed", learning, training, overwrite=True, progress=clock)
            found[name].append(step_seconds(clock.readings) or 0.0)
    return {name: min(seconds) for name, seconds in found.items()}


def grafted(source: Path, corpus: Path, heldout: Path, scale: Scale, work: Path, seed: int) -> dict[str, Any]:
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
    score = BitsPerByte(LanguageSettings(word_share=SCORED_WORDS))
    lines = heldout.read_text(encoding="utf-8").splitlines()
    curves, line_bits = [], []
    for one in range(seed, seed + scale.seeds):
        trained = work / f"graft-{one}"
        if not trained.exists():
            learning = AdaptSettings(heldout=str(heldout), seed=one, threads=1)
            adapt(output, [str(corpus)], trained, learning, training, progress=Terminal())
        curves.append(curve_of((trained / LAYOUT.home / LAYOUT.metrics).read_text(encoding="utf-8")))
        found = score(load_model(trained).eval(), load_tokenizer(trained), lines)
        line_bits.append(found.amounts.tolist())
    return {
        "vocabulary": scale.vocabulary,
        "parameters": count_parameters(output),
        "control": False,
        "before": [curves[0][0][1]],
        "after": [curve[-1][1] for curve in curves],
        "curves": curves,
        "line_bits": line_bits,
    }


def curve_of(metrics: str) -> list[tuple[int, float]]:
    """Tokens and held-out bits per byte from the lines of a training's record."""
    lines = [json.loads(line) for line in metrics.splitlines()]
    return [(line["tokens"], line["bits_per_byte"]) for line in lines if "bits_per_byte" in line]


def shown(content: Mapping[str, Any]) -> str:
    """The table of a result: the best after equal tokens first."""
    rows, tokens = content["rows"], content["tokens"]
    batch_tokens = content["training"]["batch_tokens"]
    costs = {name: seconds / batch_tokens for name, seconds in content["cpu_seconds_per_step"].items()}
    trained = {name for name, row in rows.items() if row["after"]}
    least = min(costs[name] for name in trained) * tokens
    lines = []
    for name, row in sorted(rows.items(), key=lambda item: mean(item[1]["after"] or item[1]["before"])):
        cells = [f"{name} (control)" if row["control"] else name, f"{row['vocabulary']:,}"]
        cells += [f"{row['parameters'] / 1e6:.2f}M", spread(row["before"], 3)]
        if name in trained:
            at_same = [at_cost(curve, costs[name], least) for curve in row["curves"]]
            cells += [spread(row["after"], 3), less_trim(content["against_trim"].get(name))]
            cells += [f"{1e3 * costs[name]:.3f}", spread(at_same, 3)]
        else:
            cells += ["–", "–", "–", "–"]
        lines.append(cells)
    columns = [
        "initialization", "tokens", "parameters", "bits per byte, untrained", f"after {tokens:,} tokens",
        "less trim [95%]", "CPU s per 1,000 tokens", f"after {least:.1f} CPU s",
    ]  # fmt: skip
    return pages.table(columns, lines) + f"\n\n{budget(content)}; {content['seeds']} seeds, mean ± deviation."


def less_trim(gap: Sequence[float] | None) -> str:
    """Write a difference with its interval."""
    return "–" if gap is None else f"{gap[0]:+.3f} [{gap[1]:+.3f}, {gap[2]:+.3f}]".replace("-", "−")


def curves(rows: Mapping[str, Any]) -> str:
    """Curves of all that were trained."""
    series = [Series(name, row["curves"], row["control"]) for name, row in rows.items() if row["curves"]]
    return comparison_curves("bits per byte", series).svg


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
    results.conclude(shown, curves)


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
    rows, line_bytes = compared(output)
    rows["graft"] = grafted(source, corpus, heldout, scale, arguments.work, arguments.seed)
    # A step's cost hangs on the number of tokens of the vocabulary, which all but the original share.
    models = {ORIGINAL: source, "graft": arguments.work / "graft"}
    costs = step_costs(models, corpus, scale, arguments.work, arguments.seed)
    about = {
        "question": "which initialization is best for German after equal tokens, and equal CPU seconds?",
        "tokens": scale.tokens, "seeds": scale.seeds, "seed": arguments.seed, "lines": len(scored),
        "training": scale.training, "threads": arguments.threads,
        "cpu_seconds_per_step": {name: costs.get(name, costs["graft"]) for name in rows},
    }  # fmt: skip
    results.save(about, rows, against_trim=against_trim(rows, line_bytes, arguments.seed))


if __name__ == "__main__":
    main()
