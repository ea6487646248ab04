"""`evaluate --task`: what a model is good for, with the data of a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from monoglot._hf import compute_on
from monoglot.device import device_of
from monoglot.evaluation.finetuning import finetune, spread
from monoglot.evaluation.labeled_data import DataSplit, read_split
from monoglot.evaluation.registry import get_task
from monoglot.evaluation.sentences import SentenceEncoder
from monoglot.evaluation.settings import FineTuning, Head
from monoglot.model.pooling import read_pooling, read_prefix
from monoglot.model.source import Source, open_source
from monoglot.pipeline.inputs import check_runs
from monoglot.progress import SILENT, Progress
from monoglot.result import Highlight, Result, Row
from monoglot.settings import FIRST_SEED, TaskSettings
from monoglot.settings.evaluate import check_way

HEADS: dict[Head, str] = {"standardized": "standardized states", "usual": "usual head"}


@dataclass(frozen=True)
class TaskScores:
    """Scores of one model on the development set and each test set, one for each seed.

    Attributes:
        model: Its name.
        dev: Scores by name, for each seed; empty without fine-tuning.
        tests: The same for each test set, by its name.
        epochs: The best epoch of each seed.
        head: What its head was given, see `FineTuning`; none without fine-tuning.
    """

    model: str
    dev: list[dict[str, float]]
    tests: dict[str, list[dict[str, float]]]
    epochs: list[float]
    head: Head | None = None

    def to_dict(self) -> dict[str, Any]:
        """Figures with mean and standard deviation, for JSON."""
        tests = {name: summarized(runs) for name, runs in self.tests.items()}
        found = {"dev": summarized(self.dev), "tests": tests, "epochs": self.epochs}
        return {"model": self.model, "head": self.head} | found


@dataclass(frozen=True, repr=False)
class TaskEvaluation(Result):
    """A task done by a model, and perhaps by another to compare with.

    Attributes:
        task: Its name.
        metric: The score that counts.
        fine_tuned: Whether a head was trained.
        settings: How it was run.
        tuning: How it was trained.
        models: Scores of each model, with fine-tuning those of each head.
    """

    task: str
    metric: str
    fine_tuned: bool
    settings: TaskSettings
    tuning: FineTuning
    models: tuple[TaskScores, ...]

    def to_dict(self) -> dict[str, Any]:
        """Figures and settings, for JSON."""
        settings = {"settings": vars(self.settings), "tuning": vars(self.tuning)}
        return vars(self) | settings | {"models": [model.to_dict() for model in self.models]}

    def highlights(self) -> Iterator[Highlight]:
        """Give the task, and the score that counts of each model on each set."""
        yield "task", f"{self.task}, {'fine-tuned' if self.fine_tuned else 'without training'}"
        for row in self.rows():
            if row["score"] == self.metric:
                spread = "" if row["std"] is None else f" ± {row['std']:.4f}"
                head = f", {row['head']} head" if row["head"] else ""
                yield f"{row['model']}{head}", f"{row['set']}: {self.metric} {row['mean']:.4f}{spread}"

    def rows(self) -> list[Row]:
        """Give a row for each score of each model on each set of examples, over seeds."""
        return [
            {"model": one.model, "head": one.head, "set": place, "score": name}
            | {"mean": found["mean"], "std": found["std"]}
            for one in self.models
            for place, runs in (("dev", one.dev), *one.tests.items())
            for name, found in summarized(runs).items()
        ]


def evaluate_task(
    task: str,
    model: str,
    settings: TaskSettings,
    tuning: FineTuning | None = None,
    *,
    against: str | None = None,
    device: str | None = None,
    trust_remote_code: bool = False,
    progress: Progress = SILENT,
) -> TaskEvaluation:
    """Evaluate a model on a task.

    Args:
        task: Its name.
        model: Folder or hub name.
        settings: Data, and how it is run.
        tuning: How it is trained.
        against: A model to compare with; for sentence vectors also the one whose space should be kept.
        device: Where it is computed; by default models are trained on the accelerator that there is, and
            sentence vectors computed on the processor.
        trust_remote_code: Whether code that comes with the models may run.
        progress: Where to show how far it is.

    Raises:
        InputError: If something that was given can't be used.
    """
    found: Any = get_task(task)
    check_way(task, settings.train is not None, hasattr(found, "prepare"), hasattr(found, "compare"))
    tuning = tuning or FineTuning()
    roles = (("train", settings.train), ("validation", settings.dev), *(("test", t) for t in settings.test))
    splits = [read_split(given, found.columns, role) for role, given in roles if given]
    sources = [open_source(name, trust_remote_code=trust_remote_code) for name in (model, against) if name]
    for source in sources:
        check_runs(source, trained=True)
    if settings.train:
        compute_on(device_of(device))
        if len(tuning.each_head) > 1:
            progress.note(
                "each model is trained twice, with standardized states and the usual head (--heads)"
            )
        runs = tuple(
            _tuned(found, source, splits, settings, tuning, head, progress)
            for head in tuning.each_head
            for source in sources
        )
    else:
        for source in sources:
            source.model.to(device or "cpu")  # type: ignore[arg-type]  # torch's stubs lack this overload
        encoders = sentence_encoders(sources, settings.prefix, progress)
        runs = tuple(
            TaskScores(
                source.name,
                [],
                {split.name: [found.compare(split, encoder, encoders[-1])] for split in splits},
                [],
            )
            for source, encoder in zip(sources, encoders, strict=True)
        )
    return TaskEvaluation(task, found.metric, settings.train is not None, settings, tuning, runs)


def summarized(runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Give mean, standard deviation and values of each score."""
    names = runs[0] if runs else ()
    return {
        name: {**spread([run[name] for run in runs]), "seeds": [run[name] for run in runs]} for name in names
    }


def _tuned(
    task: Any,
    source: Source,
    splits: Sequence[DataSplit],
    settings: TaskSettings,
    tuning: FineTuning,
    head: Head,
    progress: Progress,
) -> TaskScores:
    train, dev, *tests = splits
    runs = []
    for seed in range(FIRST_SEED, FIRST_SEED + settings.seeds):
        progress.note(f"{source.name}, {HEADS[head]}: seed {seed}")
        runs.append(
            finetune(
                source.folder,
                source.tokenizer,
                task,
                train,
                dev,
                tests,
                tuning,
                seed,
                head=head,
                trust_remote_code=source.trust_remote_code,
                progress=progress,
            )
        )
    names = [test.name for test in tests]
    return TaskScores(
        source.name,
        [run.dev for run in runs],
        {name: [run.tests[name] for run in runs] for name in names},
        [run.epoch for run in runs],
        head,
    )


def sentence_encoders(
    sources: Sequence[Source], prefix: str | None = None, progress: Progress = SILENT
) -> list[SentenceEncoder]:
    """Build the sentence encoders of models that are compared.

    A model whose folder names no prefix is given that of the other: distillation writes its prefix into the
    output, while the original's folder may have none, and vectors with and without it are not comparable.

    Args:
        sources: The models.
        prefix: Put before each sentence; by default what each folder names.
        progress: Where to say that a model is given the prefix of another.
    """
    named = [read_prefix(source.folder) if prefix is None else prefix for source in sources]
    others = {text: source for text, source in zip(named, sources, strict=True) if text}
    encoders = []
    for source, own in zip(sources, named, strict=True):
        chosen = own
        if prefix is None and not own and others:
            chosen, other = next(iter(others.items()))
            progress.note(f"{source.name} is given the prefix {chosen!r}, as {other.name} is")
        encoders.append(SentenceEncoder(source.model, source.tokenizer, read_pooling(source.folder), chosen))
    return encoders
