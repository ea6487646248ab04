r"""Real tasks: a specialized model fine-tuned beside its original, over several seeds.

    python -m benchmarks.tasks --original models/e5-small --specialized e5-swahili --data ../shared/data \
        --language sw --tasks ner,pos,nli --seeds 3 --train-examples 1000 --test-examples 1000

The data are those that `../shared/knowledge/data.md` describes: MasakhaNER 2, MasakhaPOS, XNLI, STSb, XQuAD
in parts of our own. The first examples of each file are used, as many as asked for; of the development set
half as many as of the test set. Both models get the same examples, seeds and rates. Saved task by task in
`benchmarks/results/tasks_<language>_<task>.json`; one that is there with the same settings is not done again,
and one that was interrupted goes on after the last seed that was done (`….partial.json`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks import head
from monoglot.evaluation.finetuning import finetune, spread
from monoglot.evaluation.labeled_data import DataSplit, read_split
from monoglot.evaluation.registry import get_task
from monoglot.evaluation.settings import FineTuning, Head
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Terminal
from monoglot.run import write_json

FILES = {
    "ner": ("ner/train.conll", "ner/dev.conll", "ner/test.conll"),
    "pos": ("pos/train.conll", "pos/dev.conll", "pos/test.conll"),
    "nli": ("nli/train.jsonl", "nli/dev.jsonl", "nli/test.jsonl"),
    "sts": ("sts/train.jsonl", "sts/dev.jsonl", "sts/test.jsonl"),
    "qa": ("qa/xquad_split_train.json", "qa/xquad_split_dev.json", "qa/xquad_split_test.json"),
}
"""Training, development and test set of a language; each may also be compressed."""
ROLES = ("train", "validation", "test")
FIRST_SEED = 42


def read(folder: Path, task: str, sizes: tuple[int, int, int]) -> list[DataSplit]:
    """The first examples of a task's three files."""
    splits = []
    for name, role, size in zip(FILES[task], ROLES, sizes, strict=True):
        plain = folder / name
        file = plain if plain.exists() else plain.with_name(f"{plain.name}.gz")
        whole = read_split(str(file), get_task(task).columns, role)
        splits.append(DataSplit(whole.name, whole.records[:size], whole.lines[:size]))
    return splits


def tuned(
    folder: Path, name: str, splits: list[DataSplit], tuning: FineTuning, head: Head, seed: int
) -> dict[str, Any]:
    """Scores of a model on the test set, fine-tuned with one head and seed."""
    train, dev, test = splits
    task: Any = get_task(name)
    started = time.process_time()
    found = finetune(
        folder, load_tokenizer(folder), task, train, dev, [test], tuning, seed, head=head, progress=Terminal()
    )
    return {
        "scores": found.tests[test.name],
        "epoch": found.epoch,
        "cpu_seconds": time.process_time() - started,
    }


def all_tuned(
    models: dict[str, Path],
    name: str,
    splits: list[DataSplit],
    tuning: FineTuning,
    seeds: list[int],
    known: dict[str, Any],
    keep: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Scores of each model with each head: of each seed, and their mean and deviation.

    Args:
        models: Their folders, by name.
        name: The task.
        splits: Training, development and test set.
        tuning: How to train.
        seeds: The models take turns, seed by seed.
        known: What an earlier call has found, by model, head and seed.
        keep: Is given all that has been found, after each seed.
    """
    each = [(which, given) for given in tuning.each_head for which in models]
    for seed in seeds:
        for which, given in each:
            if f"{which}-{given}-{seed}" not in known:
                known[f"{which}-{given}-{seed}"] = tuned(models[which], name, splits, tuning, given, seed)
                keep(known)
    report: dict[str, Any] = {}
    for which, given in each:
        runs = [known[f"{which}-{given}-{seed}"] for seed in seeds]
        report[f"{which}, {given}"] = {
            "scores": {
                metric: spread([run["scores"][metric] for run in runs]) for metric in runs[0]["scores"]
            },
            "seeds": [run["scores"] for run in runs],
            "epochs": [run["epoch"] for run in runs],
            "cpu_seconds": sum(run["cpu_seconds"] for run in runs),
        }
    return report


def main() -> None:
    """Fine-tune, print, save."""
    parser = head.parser(__doc__, "data", language=head.MUST_BE_GIVEN, threads=1)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--specialized", type=Path, required=True)
    parser.add_argument("--tasks", default="ner,pos,nli")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train-examples", type=int, default=1000)
    parser.add_argument("--test-examples", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=2e-4, help="e5-small is small: a high one")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int, default=FineTuning.batch_size)
    arguments = head.parse(parser)
    torch.set_num_threads(arguments.threads)
    tuning = FineTuning(
        epochs=arguments.epochs, learning_rate=arguments.learning_rate, batch_size=arguments.batch_size
    )
    sizes = (arguments.train_examples, arguments.test_examples // 2, arguments.test_examples)
    for task in arguments.tasks.split(","):
        name = f"tasks_{arguments.language}_{task}"
        settings = {"tuning": asdict(tuning), "most_examples": list(sizes), "seeds": arguments.seeds}
        known = head.FOLDER / f"{name}.json"
        if known.exists() and json.loads(known.read_text())["settings"] == settings:
            continue
        splits = read(arguments.data / arguments.language, task, sizes)
        partial = head.FOLDER / f"{name}.partial.json"
        begun = json.loads(partial.read_text()) if partial.exists() else {}
        runs = begun["runs"] if begun.get("settings") == settings else {}

        def keep(runs: dict[str, Any], file: Path = partial, settings: dict[str, Any] = settings) -> None:
            write_json(file, {"settings": settings, "runs": runs})

        models = all_tuned(
            {"original": arguments.original, "specialized": arguments.specialized},
            task,
            splits,
            tuning,
            list(range(FIRST_SEED, FIRST_SEED + arguments.seeds)),
            runs,
            keep,
        )
        metric = get_task(task).metric
        content = {"settings": settings, "examples": [len(split.records) for split in splits]}
        print(head.save(name, content | {"metric": metric, "models": models}), flush=True)
        partial.unlink(missing_ok=True)
        for which, figures in models.items():
            score = figures["scores"][metric]
            print(f"{name} {which:<26} {metric} {score['mean']:.3f} ± {score['std'] or 0:.3f}", flush=True)


if __name__ == "__main__":
    main()
