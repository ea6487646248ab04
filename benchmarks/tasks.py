r"""Real tasks: a specialised model fine-tuned beside its original, over several seeds.

    python -m benchmarks.tasks --original models/e5-small --specialized e5-swahili --data ../shared/data \
        --language sw --tasks ner,pos,nli --seeds 3 --train-examples 1000 --test-examples 1000

The data are those that `../shared/knowledge/data.md` describes: MasakhaNER 2, MasakhaPOS, XNLI, XQuAD in
parts of our own. The first examples of each file are used, as many as asked for; of the development set half
as many as of the test set. Both models get the same examples, seeds and rates. Saved task by task in
`benchmarks/results/tasks_<language>_<task>.json`; one that is there with the same settings is not done again.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks import results
from monoglot.evaluation.finetuning import finetune, spread
from monoglot.evaluation.records import Split, read_split
from monoglot.evaluation.registry import get_task
from monoglot.evaluation.settings import FineTuning
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Terminal

FILES = {
    "ner": ("ner/train.conll.gz", "ner/dev.conll", "ner/test.conll"),
    "pos": ("pos/train.conll", "pos/dev.conll", "pos/test.conll"),
    "nli": ("nli/train.jsonl", "nli/dev.jsonl", "nli/test.jsonl"),
    "qa": ("qa/xquad_split_train.json", "qa/xquad_split_dev.json", "qa/xquad_split_test.json"),
}
ROLES = ("train", "validation", "test")
FIRST_SEED = 42


def read(folder: Path, task: str, sizes: tuple[int, int, int]) -> list[Split]:
    """The first examples of a task's three files."""
    splits = []
    for name, role, size in zip(FILES[task], ROLES, sizes, strict=True):
        whole = read_split(str(folder / name), get_task(task).columns, role)
        splits.append(Split(whole.name, whole.records[:size], whole.lines[:size]))
    return splits


def tuned(folder: Path, name: str, splits: list[Split], tuning: FineTuning, seeds: range) -> dict[str, Any]:
    """Scores of a model on the test set: of each seed, and their mean and deviation."""
    train, dev, test = splits
    task: Any = get_task(name)
    started = time.process_time()
    found = [
        finetune(folder, load_tokenizer(folder), task, train, dev, [test], tuning, seed, progress=Terminal())
        for seed in seeds
    ]
    scores = [one.tests[test.name] for one in found]
    return {
        "scores": {name: spread([one[name] for one in scores]) for name in scores[0]},
        "seeds": scores,
        "epochs": [one.epoch for one in found],
        "cpu_seconds": time.process_time() - started,
    }


def main() -> None:
    """Fine-tune, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--specialized", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--language", required=True)
    parser.add_argument("--tasks", default="ner,pos,nli")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train-examples", type=int, default=1000)
    parser.add_argument("--test-examples", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=2e-4, help="e5-small is small: a high one")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tuning = FineTuning(epochs=arguments.epochs, learning_rate=arguments.learning_rate)
    sizes = (arguments.train_examples, arguments.test_examples // 2, arguments.test_examples)
    for task in arguments.tasks.split(","):
        name = f"tasks_{arguments.language}_{task}"
        settings = {"tuning": asdict(tuning), "most_examples": list(sizes), "seeds": arguments.seeds}
        known = results.FOLDER / f"{name}.json"
        if known.exists() and json.loads(known.read_text())["settings"] == settings:
            continue
        splits = read(arguments.data / arguments.language, task, sizes)
        models = {
            which: tuned(folder, task, splits, tuning, range(FIRST_SEED, FIRST_SEED + arguments.seeds))
            for which, folder in (("original", arguments.original), ("specialized", arguments.specialized))
        }
        metric = get_task(task).metric
        content = {"settings": settings, "examples": [len(split.records) for split in splits]}
        print(results.save(name, content | {"metric": metric, "models": models}), flush=True)
        for which, figures in models.items():
            score = figures["scores"][metric]
            print(f"{name} {which:<12} {metric} {score['mean']:.3f} ± {score['std'] or 0:.3f}", flush=True)


if __name__ == "__main__":
    main()
