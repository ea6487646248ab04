"""`adapt`: continue pretraining of a model on a corpus."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monoglot.corpus import Given, inputs_of, open_corpus
from monoglot.device import check_device, limited_threads
from monoglot.evaluation.quality import Quality
from monoglot.keywords import explains_keywords
from monoglot.model.source import open_source
from monoglot.pipeline.inputs import check_runs, read_as_the_model_does
from monoglot.pipeline.preview import check_output, check_processes
from monoglot.pipeline.report import report_at_end
from monoglot.pipeline.stages.context import RunContext
from monoglot.pipeline.stages.corpus import read_corpus, tokenize_with_source
from monoglot.pipeline.stages.quality import measure_trained
from monoglot.pipeline.training_job import RESUMED, adapted, join_processes, run_worker
from monoglot.pipeline.training_plan import (
    check_training,
    find_original,
    planned,
    resolved,
    warn_of_teacher,
)
from monoglot.progress import Progress, reporter
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.next_step import comparison_command
from monoglot.reporting.verdict import quality_answer
from monoglot.reporting.wording import counted
from monoglot.result import Highlight, Result, Row
from monoglot.run import Description, Run, read_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import AdaptSettings
from monoglot.settings_text import run_file
from monoglot.training.schedule import TrainingSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Adapted(Result):
    """Result of a training.

    Attributes:
        output: The folder of the trained model.
        objective: What it learned.
        record: Steps, tokens, what was found out about the model, and from which step this call resumed.
        before: Held-out figures at the beginning.
        after: Held-out figures at the end.
        loss: Training loss at the beginning and at the end.
        seconds: Seconds of each stage, when it was computed.
        next_command: The command that compares the model with its original; empty if that is not recorded.
        quality: The model beside its original on held-out lines, which `specialize` made it of; beside what
            it was before the training if it did not.
    """

    output: str
    objective: str
    record: Mapping[str, Any]
    before: Mapping[str, float]
    after: Mapping[str, float]
    loss: tuple[float, float]
    seconds: Mapping[str, float]
    next_command: str = ""
    quality: Quality | None = None

    def highlights(self) -> Iterator[Highlight]:
        """Give the folder, what was trained, held-out figures, warnings and the next command."""
        yield "model", self.output
        length = f"{self.record['tokens']:,} tokens, {counted(self.record['steps'], 'step')}"
        yield "training", f"{self.objective}, {length}"
        if self.quality:
            yield "quality", quality_answer(self.quality, trained=True).line
        for name, after in self.after.items():
            yield f"{name.replace('_', ' ')} (held-out)", f"{self.before[name]:.4f} → {after:.4f}"
        if not self.after:
            yield "training loss", f"{self.loss[0]:.3f} → {self.loss[1]:.3f}"
        for warning in self.record.get("warnings", ()):
            yield "warning", warning
        if self.next_command:
            yield "next", self.next_command

    def rows(self) -> list[Row]:
        """Give the training loss and each held-out figure, before and after."""
        figures = [(f"{name} (held-out)", self.before[name], self.after[name]) for name in self.after]
        both = [("training loss", *self.loss), *figures]
        return [{"figure": name, "before": before, "after": after} for name, before, after in both]


@explains_keywords(settings=AdaptSettings, training=TrainingSettings)
def adapt(
    model: str | Path,
    corpus: Given,
    output: str | Path,
    settings: AdaptSettings | None = None,
    training: TrainingSettings | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | bool = False,
) -> Adapted | None:
    """Continue pretraining of a model on text of one language.

    A run that was interrupted resumes from its last checkpoint. Launched in several processes
    (``accelerate launch``, ``torchrun``) it shares the work between them.

    Args:
        model: Folder or hub name of the model.
        corpus: Files, globs, folders or hub datasets with text.
        output: Folder to make; a Hugging Face model folder.
        settings: What to learn, and from what.
        training: How long, how fast, what of the model.
        overwrite: Whether to replace an output that an earlier run made.
        progress: Whether to show how far the work is, or where.

    Returns:
        What was done, in figures; ``None`` in a process that only helped.

    Raises:
        InputError: If something that was given can't be used; the message says how to fix it.
        Interrupted: If a signal ended it; the same call resumes from there.
    """
    settings, training = settings or AdaptSettings(), training or TrainingSettings()
    progress = reporter(progress)
    for sentence in training.ignored:
        logger.warning("%s", sentence)
    with limited_threads(settings.n_threads):
        check_device(settings.device)
        check_processes(settings)
        if not join_processes(settings.device):
            run_worker()
            return None
        inputs = list(inputs_of(corpus))
        text = open_corpus(inputs, column=settings.column, heldout=settings.heldout)
        source = open_source(str(model), trust_remote_code=settings.trust_remote_code)
        check_output(output, model, inputs, text, settings)
        source.check()
        check_runs(source, trained=True)
        read_as_the_model_does(text, source)
        mixture = source.folder / LAYOUT.home / LAYOUT.mixture
        asked = settings.teacher
        check_training(source.folder, training)
        settings = resolved(source.folder, settings)
        if asked and settings.teacher is None:
            logger.warning(
                "--teacher %s has no effect: the objective %s matches no other model",
                asked,
                settings.objective,
            )
        teacher = None
        if settings.teacher:
            teacher = open_source(settings.teacher, trust_remote_code=settings.trust_remote_code)
            warn_of_teacher(source.folder, settings.teacher, teacher.key)
        with Run.open(Path(output), overwrite) as run:
            context = RunContext(run, source, text, settings, progress)
            known = mixture if mixture.exists() else None
            plan = planned(context, settings, training, known)
            corpus_stage = read_corpus(context)
            tokens = tokenize_with_source(context, corpus_stage)
            result = adapted(
                context, source.folder, source.key, corpus_stage, tokens, settings, plan, mixture=known
            )
            quality = measure_trained(context, result, corpus_stage, find_original(source, teacher), known)
            given = {"model": str(model), "corpus": inputs}
            description = Description(
                {"adapt": settings, "training": training},
                inputs={"corpus": text.fingerprint(), "model": source.key},
                seed=settings.seed,
                names=given | {"hub": source.on_hub},
                quality=quality.to_dict(),
            )
            run.publish(
                result,
                description=description,
                config=run_file("adapt", given, settings, training),
                finish=lambda folder: report_at_end(folder, run.output, None, progress),
            )
            return summary(run, str(settings.objective), quality)


def summary(run: Run, objective: str, quality: Quality) -> Adapted:
    """Read the result of a published run."""
    home = run.output / LAYOUT.home
    lines = [json.loads(line) for line in (home / LAYOUT.metrics).read_text(encoding="utf-8").splitlines()]
    scores = [line for line in lines if "loss" not in line]
    losses = [line["loss"] for line in lines if "loss" in line]
    return Adapted(
        output=str(run.output),
        objective=objective,
        record=read_json(home / LAYOUT.training) | {RESUMED: run.happened.get(RESUMED)},
        before=_figures(scores[:1]),
        after=_figures(scores[-1:]),
        loss=(losses[0], losses[-1]),
        seconds={name: a.measured.seconds for name, a in run.artifacts.items() if a.measured},
        next_command=comparison_command(FinishedRun(run.output)),
        quality=quality,
    )


def _figures(lines: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: value for line in lines for name, value in line.items() if name not in ("step", "tokens")}
