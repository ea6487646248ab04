r"""A decoder's original vocabulary, trim, grafts and replacement after training with equal compute.

    python -m benchmarks.decoder_graft OUT --models models --data ../shared/data --language de \
        --tokens 50000 [--longer 150000 --longer-arms trim "graft +5,000" replace]

Gives gemma-270m the vocabularies that `benchmarks.graft` gives an encoder, from the first 12 MB of a
language's corpus, and trains each with the recipe of `benchmarks.decoder`: all see the same documents in the
same order. A token costs as many operations as the model has parameters (times six), so the trimmed model
is trained on ``--tokens`` and each other one on as many as make tokens times parameters the same; the rates
fall to zero at the end of each run, so that no run is judged by its middle. Bits per byte of the first 200
held-out lines before and after, each line on its own, and differences with 95% intervals over lines.
During training the first 10,000 bytes are scored. What is in OUT is not done again; a run that was stopped
resumes. On a machine with an accelerator, models are trained and scored there. Saved after every run as
`benchmarks/results/decoder_graft_<language>.json`, beside the runs on other numbers of tokens that are there
already; of a training that was stopped, its curve so far. German is also written into docs/decoders.md.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64

from benchmarks import head, pages
from benchmarks.decoder import recipe
from benchmarks.graft import CORPUS_BYTES, first_bytes, variants
from monoglot import AdaptSettings, adapt, specialize
from monoglot.device import device_of
from monoglot.evaluation.bits_per_byte import score_language
from monoglot.evaluation.line_scores import paired_difference
from monoglot.model.folder import load_model
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Advance, Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.run import read_json, write_json
from monoglot.run.layout import LAYOUT
from monoglot.training.schedule import TrainingSettings

NEW = (2_000, 5_000, 10_000)
ORDER = ("trim", "graft +5,000", "replace", "original", "graft +2,000", "graft +10,000")
"""What a run that is stopped should have done first."""
SHOWN = ("original", "trim", *(f"graft +{new:,}" for new in NEW), "replace")
"""The order of the tables."""
BATCH_TOKENS = recipe(1).recipe.batch_tokens
CHECKS = 6
BASELINES = ("original", "trim", "replace")


class StepClock(Terminal):
    """Shows progress, and reads a clock at the end of each training step.

    Attributes:
        readings: What it read.
    """

    def __init__(self, read: Callable[[], float] = time.process_time) -> None:
        """Choose the clock: by default the process' CPU seconds."""
        super().__init__()
        self.read = read
        self.readings: list[float] = []

    @contextmanager
    def task(self, description: str, total: float | None = None) -> Iterator[Advance]:
        """Open a task; of a training, note when it advances."""
        with super().task(description, total) as advance:

            def noted(amount: float) -> None:
                if description == "training":
                    self.readings.append(self.read())
                advance(amount)

            yield noted


def step_seconds(readings: list[float]) -> float | None:
    """CPU seconds of a step: the median, since some steps come after a check, whose time is not theirs."""
    return float(np.median(np.diff(readings))) if len(readings) > 1 else None


def equal_compute(tokens: int, parameters: int, reference: int, batch_tokens: int) -> int:
    """Tokens, in whole batches, that cost as much as ``tokens`` cost a model of ``reference`` parameters."""
    return max(1, round(tokens * reference / parameters / batch_tokens)) * batch_tokens


def slug(arm: str) -> str:
    """Name of an arm's folder."""
    return arm.replace(" +", "-").replace(",", "").replace(" ", "-")


def score(folder: Path, lines: list[str]) -> dict[str, Any]:
    """Bits of each line and tokens that they are segmented into; on the accelerator, if there is one."""
    model: Any = load_model(folder).eval()
    with torch.no_grad():
        found = score_language(model.to(device_of(None)), load_tokenizer(folder), lines, progress=Terminal())
    return {
        "bits_per_byte": found.bits_per_byte,
        "tokens": found.tokens,
        "line_bits": found.line_bits.tolist(),
    }


def remembered(file: Path, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Read a result, or find it and write it."""
    if not file.exists():
        write_json(file, find())
    return dict(read_json(file))


def trained(
    folder: Path, corpus: Path, output: Path, heldout: Path, training: TrainingSettings, seed: int
) -> dict[str, Any]:
    """Train a model; what was held-out along the way, and what a step took."""
    clock = StepClock()
    settings = AdaptSettings(objective="clm", heldout=str(heldout), threads=1, seed=seed)
    if not output.exists():
        adapt(folder, corpus, output, settings, training, progress=clock)
    return {
        "tokens": training.tokens,
        "device": head.device(),
        "cpu_seconds_per_step": step_seconds(clock.readings) if device_of(None).type == "cpu" else None,
        "steps_timed": max(0, len(clock.readings) - 1),
        "curve": curve_of(output / LAYOUT.home / LAYOUT.metrics),
    }


def curve_of(metrics: Path) -> list[list[float]]:
    """Tokens and bits per byte of the lines that are scored during a training."""
    lines = map(json.loads, metrics.read_text(encoding="utf-8").splitlines())
    return [[line["tokens"], line["bits_per_byte"]] for line in lines if "bits_per_byte" in line]


def unfinished(output: Path) -> list[list[float]] | None:
    """The curve so far of a training that was stopped; ``None`` where there is none."""
    metrics = output.with_name(f"{output.name}.partial") / "checkpoints" / LAYOUT.metrics.name
    return curve_of(metrics) if metrics.exists() else None


def differences(
    runs: Mapping[str, list[float]], line_bytes: Float64[np.ndarray, " lines"], seed: int
) -> dict[str, dict[str, list[float]]]:
    """Bits per byte of each run less that of each baseline, with the interval's ends; paired by lines."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, bits in runs.items():
        for baseline in BASELINES:
            if baseline in runs and baseline != name:
                pair = (np.array([bits]), np.array([runs[baseline]]))
                one = paired_difference(*pair, line_bytes, seed=seed)
                found.setdefault(name, {})[baseline] = [one.value, one.low, one.high]
    return found


def table(arms: Mapping[str, Any]) -> str:
    """What was found, a row each vocabulary; what is not done has a dash."""
    tokens = arms.get("original", arms["trim"])["before"]["tokens"]
    budgets = sorted({budget for arm in arms.values() for budget in arm["after"]}, key=int)
    columns = ["", "tokens", "parameters", "tokens saved", "before training"]
    for budget in budgets:
        columns += [f"after {int(budget):,}", "less trim [95%]"]
    return pages.table(columns, (row(name, arm, tokens, budgets) for name, arm in arms.items()))


def row(name: str, arm: Mapping[str, Any], tokens: int, budgets: Sequence[str]) -> list[str]:
    """One vocabulary of the table.

    Args:
        name: Its name.
        arm: What was found of it.
        tokens: How many the original segments the held-out lines into.
        budgets: Runs that the table has, by the tokens of the trimmed model.
    """
    before = arm["before"]
    cells = [name, f"{arm['vocabulary']:,}", f"{arm['parameters'] / 1e6:.1f}M"]
    cells += [f"{1 - before['tokens'] / tokens:.1%}".replace("-", "−"), f"{before['bits_per_byte']:.3f}"]
    for budget in budgets:
        after = arm["after"].get(budget)
        ahead = after["less"].get("trim") if after else None
        cells.append(f"{after['bits_per_byte']:.3f}" if after else "–")
        cells.append("{:+.3f} [{:+.3f}, {:+.3f}]".format(*ahead).replace("-", "−") if ahead else "–")
    return cells


def curves(arms: Mapping[str, Any], budget: str) -> str:
    """Bits per byte of the lines that are scored during training, a row each vocabulary.

    A training that was stopped has dashes where it did not come.
    """
    found = {
        name: arm["after"][budget]["curve"]
        if budget in arm["after"]
        else arm.get("unfinished", {}).get(budget)
        for name, arm in arms.items()
    }
    columns = ["share of the training", *(f"{check / CHECKS:.0%}" for check in range(CHECKS + 1))]
    rows = []
    for name, curve in found.items():
        if curve:
            reached = [f"{bits:.3f}" for _, bits in curve]
            rows.append([name, *reached, *["–"] * (CHECKS + 1 - len(reached))])
    return pages.table(columns, rows)


def without_bits(scores: Mapping[str, Any]) -> dict[str, Any]:
    """A score as it is saved: bits of single lines stay in OUT."""
    return {key: value for key, value in scores.items() if key != "line_bits"}


def collected(
    folder: Path,
    models: Mapping[str, Path],
    budgets: Sequence[int],
    line_bytes: Float64[np.ndarray, " lines"],
    seed: int,
) -> dict[str, Any]:
    """All that is done so far."""
    arms: dict[str, Any] = {}
    for name, model in models.items():
        file = folder / f"{slug(name)}.json"
        if file.exists():
            arms[name] = {"vocabulary": len(load_tokenizer(model)), "parameters": count_parameters(model)}
            begun = {str(budget): unfinished(folder / f"{slug(name)}-{budget}") for budget in budgets}
            arms[name] |= {"before": without_bits(read_json(file)), "after": {}}
            arms[name]["unfinished"] = {budget: curve for budget, curve in begun.items() if curve}
    for budget in budgets:
        files = {name: folder / f"{slug(name)}-{budget}.json" for name in arms}
        done = {name: read_json(file) for name, file in files.items() if file.exists()}
        less = differences({name: one["line_bits"] for name, one in done.items()}, line_bytes, seed)
        for name, one in done.items():
            training = read_json(folder / f"{slug(name)}-{budget}.training.json")
            arms[name]["after"][str(budget)] = training | {
                "bits_per_byte": one["bits_per_byte"],
                "less": less.get(name, {}),
            }
    return arms


def with_known(arms: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What was found now, with the trainings on other numbers of tokens that were saved before.

    Args:
        arms: What was found now.
        known: The arms of the saved result, of the same text and seed.
    """
    every = {name: dict(known.get(name) or arms[name]) for name in SHOWN if name in known or name in arms}
    for name, arm in arms.items():
        before = every[name]
        every[name] = {**arm, "after": before["after"] | arm["after"]}
        every[name]["unfinished"] = {
            budget: curve
            for budget, curve in (before.get("unfinished", {}) | arm.get("unfinished", {})).items()
            if budget not in every[name]["after"]
        }
    return every


@dataclass(frozen=True)
class Bench:
    """One language: its texts, and the models that are made of the source, each once.

    Attributes:
        source: The original.
        data: The language's folder.
        folder: Where models and scores go.
        n_lines: How many held-out lines are scored.
        seed: Seed of vocabularies and training.
        corpus_bytes: How much of the corpus is used.
        checks: How many times a training scores held-out lines.
    """

    source: Path
    data: Path
    folder: Path
    n_lines: int
    seed: int
    corpus_bytes: int = CORPUS_BYTES
    checks: int = CHECKS

    @cached_property
    def corpus(self) -> Path:
        """The text that vocabularies are made from and models trained on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return first_bytes(self.data / "corpus.txt.gz", self.corpus_bytes, self.folder / "corpus.txt")

    @cached_property
    def lines(self) -> list[str]:
        """The held-out lines, which are also written to a file."""
        lines = [line for line in (self.data / "heldout.txt").read_text(encoding="utf-8").split("\n") if line]
        lines = lines[: self.n_lines]
        self.heldout.parent.mkdir(parents=True, exist_ok=True)
        self.heldout.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return lines

    @property
    def heldout(self) -> Path:
        """The file of the held-out lines."""
        return self.folder / "heldout.txt"

    @property
    def line_bytes(self) -> Float64[np.ndarray, " lines"]:
        """Bytes of each held-out line."""
        return np.array([len(line.encode()) for line in self.lines], np.float64)

    def model(self, name: str) -> Path:
        """The folder of a vocabulary's model, whether it is there or not."""
        return self.source if name == "original" else self.folder / slug(name)

    def made(self, name: str) -> Path:
        """The model of a vocabulary, which is made unless it is there."""
        output = self.model(name)
        if not output.exists():
            settings = variants(list(NEW), self.seed, threads=1)[name]
            specialize(self.source, [str(self.corpus)], output, settings, progress=Terminal())
        return output

    def done(self, name: str, budget: int) -> bool:
        """Whether a vocabulary was trained on a budget, and scored."""
        return (self.folder / f"{slug(name)}-{budget}.json").exists()

    def train(self, name: str, budget: int) -> None:
        """Make a vocabulary's model, score it, train it with equal compute, and score it again."""
        reference = count_parameters(self.made("trim"))
        model, output = self.made(name), self.folder / f"{slug(name)}-{budget}"
        remembered(self.folder / f"{slug(name)}.json", partial(score, model, self.lines))
        tokens = equal_compute(budget, count_parameters(model), reference, BATCH_TOKENS)
        training = replace(recipe(budget), tokens=tokens, checks=self.checks, keep=1)
        learn = partial(trained, model, self.corpus, output, self.heldout, training, self.seed)
        remembered(self.folder / f"{output.name}.training.json", learn)
        remembered(self.folder / f"{output.name}.json", partial(score, output, self.lines))

    def collected(self, budgets: Sequence[int]) -> dict[str, Any]:
        """All that is done so far."""
        models = {name: self.model(name) for name in SHOWN}
        return collected(self.folder, models, budgets, self.line_bytes, self.seed)


def saved_with(bench: Bench, budgets: Sequence[int], language: str) -> Path:
    """Write result and tables: all that is done so far, beside what was saved before on other budgets."""
    content = {
        "question": "which vocabulary gives a decoder the fewest bits per byte for equal compute?",
        "language": language,
        "corpus_bytes": bench.corpus.stat().st_size,
        "lines": len(bench.lines),
        "bytes": int(bench.line_bytes.sum()),
        "seed": bench.seed,
    }
    file = head.FOLDER / f"decoder_graft_{language}.json"
    known = dict(read_json(file)) if file.exists() else {}
    if any(known.get(key) != value for key, value in content.items()):
        known = {}
    arms = with_known(bench.collected(budgets), known.get("arms", {}))
    content["commits"] = known.get("commits", {}) | {str(budget): head.commit() for budget in budgets}
    path = head.save(f"decoder_graft_{language}", content | {"arms": arms})
    if language == "de":
        pages.fill("decoders.md", "decoder-graft", table(arms))
        for budget in budgets:
            pages.fill("decoders.md", f"decoder-graft-curves-{budget}", curves(arms, str(budget)))
    return path


def main() -> None:
    """Make, train and score what is not done yet; save after each."""
    parser = head.parser(__doc__, "data", "models", language="de", seed=42)
    parser.add_argument("output", type=Path, help="folder for the models; what is done there is used again")
    parser.add_argument("--tokens", type=int, default=50_000, help="that the trimmed model is trained on")
    parser.add_argument("--arms", nargs="+", choices=ORDER, default=list(ORDER), help="which vocabularies")
    parser.add_argument("--longer", type=int, help="the same for a second, longer run of some")
    parser.add_argument(
        "--longer-arms", nargs="+", choices=ORDER, default=["trim", "graft +5,000", "replace"]
    )
    parser.add_argument("--lines", type=int, default=200, help="held-out lines to score")
    arguments = head.parse(parser)
    torch.set_num_threads(1)
    data, source = arguments.data / arguments.language, arguments.models / "gemma-270m"
    if absent := [path for path in (data / "heldout.txt", source) if not path.exists()]:
        sys.exit(f"there is no {absent[0]}: say where models and data are with --models and --data")
    bench = Bench(source, data, arguments.output, arguments.lines, arguments.seed)
    longer = [(name, arguments.longer) for name in arguments.longer_arms if arguments.longer]
    runs = [*((name, arguments.tokens) for name in arguments.arms), *longer]
    budgets = sorted({budget for _, budget in runs})
    for name, budget in runs:
        if not bench.done(name, budget):
            bench.train(name, budget)
            print(name, f"{budget:,}", saved_with(bench, budgets, arguments.language), flush=True)
    print(saved_with(bench, budgets, arguments.language))


if __name__ == "__main__":
    main()
