"""One training of a model, run in one process or several (`training_plan` decides what and how much)."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from jaxtyping import Bool
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot._hf import compute_on, has_process_group
from monoglot.device import device_of
from monoglot.errors import ModelError, SettingError
from monoglot.evaluation.bits_per_byte import LanguageSettings, score_language
from monoglot.evaluation.settings import SCORED_WORDS
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.folder import save
from monoglot.model.longest_input import longest_input_tokens
from monoglot.model.pooling import read_prefix, write_prefix
from monoglot.model.source import Source, open_source
from monoglot.pipeline.stages.context import RunContext, return_memory
from monoglot.pipeline.stages.corpus import lines_to_score
from monoglot.progress import SILENT, Progress
from monoglot.run import LAYOUT, Artifact, file_hash, write_json
from monoglot.settings import AdaptSettings
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.lapt import Outcome, Scorer, train
from monoglot.training.objective import Objective, Task, Teacher, TrainingContext
from monoglot.training.registry import get_objective
from monoglot.training.schedule import TrainingSettings

LONGEST_STAGE = timedelta(days=2)
"""How long the others wait while the leader reads and tokenizes the corpus."""

Sent = TypeVar("Sent")

logger = logging.getLogger(__name__)


def join_processes(device: str | None) -> bool:
    """Join the other processes of a launch, if there are any.

    Args:
        device: The device that the user named.

    Returns:
        Whether this process leads.

    Raises:
        SettingError: If processes would have to share a GPU.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(processes)))
    if here > 1 and device_of(device).type != "cpu" and here > (found := torch.accelerator.device_count()):
        raise SettingError(
            f"got {here} processes and {found} GPU{'s' * (found != 1)} on this machine, and each process "
            f"needs its own: launch {found}, or give --device cpu"
        )
    if processes > 1 and not has_process_group():
        PartialState(cpu=device_of(device).type == "cpu", timeout=LONGEST_STAGE)
    return bool(PartialState().is_main_process)


def send_job(job: Sent | None) -> None:
    """Send a job to the other processes; ``None`` if there is none."""
    if PartialState().num_processes > 1:
        broadcast_object_list([job])


def receive_job() -> object | None:
    """Wait for a job from the leading process."""
    box: list[object | None] = [None]
    broadcast_object_list(box)
    return box[0]


@dataclass(frozen=True)
class TrainingJob:
    """Everything that a process needs to know of a training; it can be sent to other processes.

    Attributes:
        student: Folder of the model to train.
        tokens: Folder of the tokenized corpus.
        checkpoints: Folder for checkpoints.
        cache: Folder for what the objective keeps.
        settings: What to learn.
        training: How to train.
        teacher: Folder of the model to match.
        teacher_key: Content hash of its files.
        heldout: Lines to score with.
        mixture: File that tells which rows are new.
        identity: What else must be the same when a run resumes.
    """

    student: Path
    tokens: Path
    checkpoints: Path
    cache: Path
    settings: AdaptSettings
    training: TrainingSettings
    teacher: Path | None
    teacher_key: str
    heldout: tuple[str, ...]
    mixture: Path | None
    identity: dict[str, Any]


def run_worker() -> None:
    """Wait for a job of the leading process, and run it."""
    job = receive_job()
    if isinstance(job, TrainingJob):
        run_job(job, _no_lines, SILENT)


def run_job(job: TrainingJob, lines: Callable[[], Iterable[str]], progress: Progress) -> Outcome:
    """Train a model; the same in every process."""
    settings = job.settings
    compute_on(device_of(settings.device))
    student = open_source(str(job.student), trust_remote_code=settings.trust_remote_code)
    model = student.model.float()
    if settings.attention:
        use_attention(model, settings.attention)
    tokenizer = student.tokenizer
    job.cache.mkdir(parents=True, exist_ok=True)
    training_context = TrainingContext(
        model,
        tokenizer,
        TokenizedCorpus.open(job.tokens),
        lines,
        settings.seed,
        job.cache,
        load_teacher(job),
        progress,
    )
    limit = longest_input_tokens(model, tokenizer)
    longest = min(job.training.window_tokens, limit)
    if longest < job.training.window_tokens and job.training.window_tokens != TrainingSettings.window_tokens:
        logger.warning(
            "--window-tokens %s is more than the %s that the model takes: windows have %s tokens",
            job.training.window_tokens, limit, longest,
        )  # fmt: skip
    return train(
        training_context,
        objective_of(settings),
        job.training.with_windows(longest),
        job.checkpoints,
        identity=job.identity,
        new_rows=new_rows(job.mixture),
        score=scorer(tokenizer, job.heldout),
        progress=progress,
    )


def objective_of(settings: AdaptSettings) -> Objective:
    """Make the objective of settings that name one (see `monoglot.pipeline.training_plan.resolved`)."""
    return get_objective(str(settings.objective), settings.objective_options)


def content_keys(settings: AdaptSettings) -> dict[str, str]:
    """Hash the files that the objective reads: a training is done anew when one has changed."""
    return {what: file_hash(Path(path)) for what, path in objective_of(settings).files.items()}


def use_attention(model: PreTrainedModel, name: str) -> None:
    """Switch to another implementation of attention.

    Raises:
        SettingError: If the model has none of that name, or a package for it is missing.
    """
    try:
        model.set_attn_implementation(name)
    except (ValueError, ImportError) as error:
        raise SettingError(f"--attention {name} can't be used: {str(error).splitlines()[0]}") from error


def load_teacher(job: TrainingJob) -> Teacher | None:
    """Load the teacher, if the job has one."""
    if job.teacher is None:
        return None
    source = open_source(str(job.teacher), trust_remote_code=job.settings.trust_remote_code)
    # On a CPU torch can't mix weights in half precision with float32; on a GPU autocast does.
    on_processor = device_of(job.settings.device).type == "cpu"
    model = source.model.float() if on_processor else source.model
    return Teacher(model, source.tokenizer, job.teacher_key)


def new_rows(mixture: Path | None) -> Bool[np.ndarray, " rows"] | None:
    """Tell which rows of the vocabulary were not copied from the source."""
    if mixture is None:
        return None
    return np.asarray(Mixture.load(mixture).provenance != Provenance.COPIED)


def scorer(tokenizer: PreTrainedTokenizerFast, lines: tuple[str, ...]) -> Scorer:
    """Build the function that scores a model on held-out lines during training."""

    def score(model: PreTrainedModel, task: Task) -> dict[str, float]:
        figures = task.score(model, lines)
        if model.get_output_embeddings() is None:
            return figures
        try:
            result = score_language(model, tokenizer, lines, LanguageSettings(word_share=SCORED_WORDS))
        except ModelError:
            return figures  # no language model whose text likelihood is known, such as T5
        return {"bits_per_byte": result.bits_per_byte} | figures

    return score


def _no_lines() -> Iterable[str]:
    raise RuntimeError("only the leading process reads the text")


SCORED_BYTES = 10_000
"""How much held-out text is scored during training."""
RESUMED = "resumed_from_step"


def adapted(
    context: RunContext,
    student: Path,
    student_key: str,
    corpus_stage: Artifact,
    tokens: Artifact,
    settings: AdaptSettings,
    training: TrainingSettings,
    *,
    mixture: Path | None = None,
) -> Artifact:
    """Continue pretraining: the files of a Hugging Face folder, and beside them ``training/``.

    Args:
        context: The run.
        student: Folder of the model to train.
        student_key: Content hash of it.
        corpus_stage: Stage of the held-out text.
        tokens: Stage of the corpus as its tokens.
        settings: What to learn (see `monoglot.pipeline.training_plan.resolved`).
        training: How to train.
        mixture: File that tells which rows are new, if there is one.
    """
    teacher = None
    if settings.teacher:
        teacher = open_source(settings.teacher, trust_remote_code=settings.trust_remote_code)
    checkpoints = context.run.partial / LAYOUT.checkpoints
    lines = tuple(some(lines_to_score(corpus_stage), SCORED_BYTES))
    inputs = {"student": student_key, "text": corpus_stage.key, "tokens": tokens.key}
    inputs |= {"teacher": teacher.key} if teacher else {}
    inputs |= content_keys(settings)
    chosen = {"objective": settings.objective, "options": settings.objective_options, "seed": settings.seed}

    def compute(folder: Path) -> None:
        job = TrainingJob(
            student=student,
            tokens=tokens.folder,
            checkpoints=checkpoints,
            cache=checkpoints / "cache",
            settings=settings,
            training=training,
            teacher=teacher.folder if teacher else None,
            teacher_key=teacher.key if teacher else "",
            heldout=lines,
            mixture=mixture,
            identity=chosen | inputs,
        )
        context.source.forget()
        return_memory()
        send_job(job)
        outcome = run_job(job, context.corpus.lines, context.progress)
        save_student(context.source.at(student), outcome, folder)
        worse = worsened(checkpoints / LAYOUT.metrics.name, settings)
        record = outcome.record | {"warnings": [*_warnings(outcome.record), *worse]}
        write_json(checkpoints / LAYOUT.training.name, record | prompted(folder, settings, record))
        context.run.happened[RESUMED] = outcome.resumed_from_step

    def keep(folder: Path) -> None:
        for name in (LAYOUT.metrics.name, LAYOUT.training.name):
            (folder / name).write_bytes((checkpoints / name).read_bytes())

    model = context.stage("adapted", compute, chosen | training.resume_identity(), **inputs)
    if model.reused:
        send_job(None)
    context.stage(LAYOUT.training.parent.name, keep, adapted=model)
    return model


def worsened(metrics: Path, settings: AdaptSettings) -> list[str]:
    """Warn if held-out text is farther from what is learned at the end of a training than at its start.

    Args:
        metrics: What was measured along the way.
        settings: What was learned.
    """
    watched = objective_of(settings).watched
    lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    values = [line[watched] for line in lines if watched in line]
    first, last = (f"{value:.4f}" for value in (values[0], values[-1])) if values else ("", "")
    if len(values) < 2 or not values[-1] > values[0] or first == last:
        return []
    return [
        f"training made the model worse: {watched.replace('_', ' ')} of held-out text rose from "
        f"{first} to {last}; use the model from before, or train on more tokens or at a "
        "lower --learning-rate"
    ]


def _warnings(record: Mapping[str, Any]) -> list[str]:
    return list(record.get("warnings", ()))


def prompted(folder: Path, settings: AdaptSettings, record: Mapping[str, Any]) -> dict[str, Any]:
    """Make the training prefix the default prompt of a sentence encoder; gives what the record says of it.

    Args:
        folder: The trained model's folder.
        settings: What it learned.
        record: What is said of the training anyway.
    """
    prefix = settings.objective_options.get("prefix")
    if not prefix:
        return {}
    warning = write_prefix(folder, prefix)
    written = read_prefix(folder)
    return ({"default_prompt": written} if written else {}) | (
        {"warnings": [*_warnings(record), warning]} if warning else {}
    )


def some(lines: list[str], most_bytes: int) -> list[str]:
    """Take lines up to a number of bytes, at least one."""
    sizes = np.cumsum([len(line.encode()) for line in lines])
    return lines[: max(1, int(np.searchsorted(sizes, most_bytes, side="right")))]


def save_student(student: Source, outcome: Outcome, folder: Path) -> None:
    """Write the trained model as the untrained one was stored: same class, dtype and side files."""
    save(trained_model(student, outcome), student.tokenizer, student.folder, folder)
    student.at(folder).check_stored()


def trained_model(student: Source, outcome: Outcome) -> PreTrainedModel:
    """Load a model and give it its trained weights, in its own dtype."""
    model = student.model
    known = set(model.state_dict())
    unknown = sorted(set(outcome.weights) - known)
    if unknown:
        raise ModelError(f"training gave weights that the model does not have, such as {unknown[0]}")
    with torch.no_grad():
        model.load_state_dict(outcome.weights, strict=False)
    return model
