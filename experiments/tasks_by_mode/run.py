"""What do tasks lose by trim, graft and replacement, after fine-tuning?

    python -m experiments.tasks_by_mode.run --data ../shared/data --models models --language de --task ner

multilingual-e5-small, its trim, a graft of 10,000 new tokens and a replacement, both distilled (see
`experiments.distillation`), are fine-tuned on the same examples with the same seeds and rates as
`benchmarks.tasks` does. Small: models distilled on 50,000 tokens, 600 examples, one seed; paper: on 250,000
tokens, 1,000 examples, three seeds. The result is `<scale>_<language>_<task>.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks import head, pages
from benchmarks.tasks import FILES, read, tuned
from experiments.distillation.run import Models
from experiments.experiment import Dot, Results, budget, parser, picture, spread
from monoglot.evaluation.registry import get_task
from monoglot.evaluation.settings import FineTuning

HERE = Path(__file__).parent
ARMS = ("original", "trim", "graft +10,000", "replace")
SCALES = {"small": (50_000, (600, 200, 400), 1), "paper": (250_000, (1_000, 500, 1_000), 3)}
"""Tokens of distillation; most examples to train, develop and test on; seeds."""
TUNING = FineTuning(learning_rate=2e-4)
"""The model is small, hence a high rate."""


def folder_of(arm: str, models: Models, tokens: int) -> Path:
    """The model that is fine-tuned."""
    if arm == "original":
        return models.source
    return models.untrained(arm) if arm == "trim" else models.trained(arm, tokens, models.seed)


def less_original(rows: Mapping[str, Any], arm: str) -> str:
    """The score less the original's: mean and deviation over the same seeds."""
    gaps = [
        mine - theirs for mine, theirs in zip(rows[arm]["scores"], rows["original"]["scores"], strict=True)
    ]
    text = f"{mean(gaps):+.3f}" + (f" ± {stdev(gaps):.3f}" if len(gaps) > 1 else "")
    return text.replace("-", "−")


def shown(content: Mapping[str, Any]) -> str:
    """A line for each model."""
    rows = content["rows"]
    lines = [
        [arm, spread(row["scores"], 3), "–" if arm == "original" else less_original(rows, arm)]
        for arm, row in rows.items()
    ]
    seeds = f"{content['seeds']} seed{'s' * (content['seeds'] > 1)}"
    heads = ["", f"{content['metric']}, {seeds}", "less the original"]
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def chart(rows: Mapping[str, Any]) -> str:
    """The picture: scores, with the deviation over seeds."""
    title = "Score on the test set; bars are one standard deviation over seeds (more is better)"
    return picture(
        title,
        [
            Dot(arm, mean(row["scores"]), stdev(row["scores"]) if len(row["scores"]) > 1 else 0.0)
            for arm, row in rows.items()
        ],
    )


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Fine-tune what is not in the result yet."""
    torch.set_num_threads(arguments.threads)
    tokens, sizes, seeds = SCALES[arguments.scale]
    data = arguments.data / arguments.language
    work = arguments.work / f"distillation-{arguments.language}"
    models = Models(arguments.models / "e5-small", data, work, arguments.seed)
    splits = read(data, arguments.task, sizes)

    def row(arm: str) -> dict[str, Any]:
        folder = folder_of(arm, models, tokens)
        runs = [
            tuned(folder, arguments.task, splits, TUNING, TUNING.each_head[0], arguments.seed + number)
            for number in range(seeds)
        ]
        return {"scores": [run["scores"][about["metric"]] for run in runs],
                "epochs": [run["epoch"] for run in runs]}  # fmt: skip

    results.measure(about, ARMS, row)


def main() -> None:
    """Fine-tune what is not in the result yet; write table and picture."""
    made = parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN)
    made.add_argument("--task", choices=FILES, required=True)
    arguments = head.parse(made)
    results = Results(HERE, f"{arguments.scale}_{arguments.language}_{arguments.task}")
    tokens, sizes, seeds = SCALES[arguments.scale]
    about = {
        "question": "what do tasks lose by trim, graft and replacement, after fine-tuning?",
        "language": arguments.language, "task": arguments.task, "metric": get_task(arguments.task).metric,
        "adapt_tokens": tokens, "most_examples": list(sizes), "seeds": seeds, "seed": arguments.seed,
        "learning_rate": TUNING.learning_rate,
    }  # fmt: skip
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, chart)


if __name__ == "__main__":
    main()
