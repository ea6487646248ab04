r"""Should few new tokens be distilled alone, or the encoder's body with them?

    python -m benchmarks.few_new_rows OUT --models models --data ../shared/data --language de

Grafts of 500, 2,000 and 10,000 new tokens into multilingual-e5-small, from the first 12 MB of a corpus, each
distilled on as many tokens as `adapt` takes by default: new rows alone (``--schedule new-rows``), and the
body as well (``keep-copied``). The same text, seed and rates; one run each. Distance to the
original's sentence vectors (1 - cosine) on the held-out lines that `adapt` scores, along the way and at the
end, with CPU seconds. What is in OUT is not done again. Saved after every run as
`benchmarks/results/few_new_rows_<language>.json`, and in docs/distillation.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks import head, pages
from benchmarks.graft import CORPUS_BYTES, first_bytes
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.progress import Terminal
from monoglot.run import read_json, write_json
from monoglot.run.layout import LAYOUT
from monoglot.training.schedule import SENTENCE_TOKENS_PER_NEW_ROW, TrainingSettings, budget_tokens

NEW = (500, 2_000, 10_000)
SCHEDULES = {"new-rows": "new rows alone", "keep-copied": "body as well"}
CHECKS = 7


def learned(source: Path, untrained: Path, corpus: Path, output: Path, schedule: str, seed: int) -> Any:
    """Train one graft; its held-out distances, and the CPU seconds of the training.

    Args:
        source: The original, which is matched.
        untrained: The graft.
        corpus: Text.
        output: Where the trained model goes.
        schedule: What of it is trained.
        seed: Seed of the training.
    """
    new = read_json(untrained / LAYOUT.home / LAYOUT.new_tokens)["new"]
    tokens = budget_tokens(len(new), SENTENCE_TOKENS_PER_NEW_ROW)
    settings = AdaptSettings(
        objective="distill",
        objective_options={"prefix": "query: "},
        teacher=str(source),
        threads=1,
        seed=seed,
    )
    training = TrainingSettings(tokens=tokens, schedule=schedule, checks=CHECKS, keep=1)
    start = time.process_time()
    adapt(untrained, corpus, output, settings, training, progress=Terminal())
    seconds = time.process_time() - start
    lines = (output / LAYOUT.home / LAYOUT.metrics).read_text(encoding="utf-8").splitlines()
    curve = [line for line in map(json.loads, lines) if "distance_to_teacher" in line]
    return {
        "tokens": tokens,
        "cpu_seconds": seconds,
        "curve": [[line["tokens"], line["distance_to_teacher"]] for line in curve],
    }


def table(rows: Mapping[str, Any]) -> str:
    """A line for each run."""
    heads = ["new tokens", "trained", "tokens of text", "CPU s"]
    heads += ["start", *(f"{check / CHECKS:.0%}" for check in range(1, CHECKS)), "end"]
    lines = []
    for new, runs in rows.items():
        for schedule, run in runs.items():
            curve = [f"{distance:.4f}" for _, distance in run["curve"]]
            trained, seconds = f"{run['tokens']:,}", f"{run['cpu_seconds']:.0f}"
            lines.append([f"{int(new):,}", SCHEDULES[schedule], trained, seconds, *curve])
    return pages.table(heads, lines)


def main() -> None:
    """Make and train what is not there yet; save after each."""
    parser = head.parser(__doc__, "data", "models", language="de", seed=42)
    parser.add_argument("output", type=Path, help="folder for the models; what is done there is used again")
    arguments = head.parse(parser)
    torch.set_num_threads(1)
    output, source = arguments.output, arguments.models / "e5-small"
    output.mkdir(parents=True, exist_ok=True)
    text = arguments.data / arguments.language / "corpus.txt.gz"
    corpus = first_bytes(text, CORPUS_BYTES, output / "corpus.txt")
    about = {"language": arguments.language, "corpus_bytes": corpus.stat().st_size, "seed": arguments.seed}
    rows: dict[str, dict[str, Any]] = {}
    for new in NEW:
        untrained = output / f"{new}"
        if not untrained.exists():
            settings = Settings(mode="graft", new_tokens=new, seed=arguments.seed, threads=1)
            specialize(source, [str(corpus)], untrained, settings, progress=Terminal())
        for schedule in SCHEDULES:
            file = output / f"{new}-{schedule}.json"
            if not file.exists():
                folder = output / f"{new}-{schedule}"
                write_json(file, learned(source, untrained, corpus, folder, schedule, arguments.seed))
            rows.setdefault(str(new), {})[schedule] = read_json(file)
            print(new, schedule, rows[str(new)][schedule], flush=True)
            head.save(f"few_new_rows_{arguments.language}", {**about, "rows": rows})
            pages.fill("distillation.md", "few-new-rows", table(rows))


if __name__ == "__main__":
    main()
