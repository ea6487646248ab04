"""The stage that continues pretraining, in one process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError, SettingError
from monoglot.evaluation.language import LanguageSettings, score_language
from monoglot.evaluation.limits import longest_input_tokens
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.blueprint import blueprint
from monoglot.model.folder import find_class, load_config, load_model, load_tokenizer, save
from monoglot.model.satellites import transformer_folder
from monoglot.pipeline import processes
from monoglot.pipeline.adapt_settings import AdaptSettings
from monoglot.pipeline.source import open_source
from monoglot.pipeline.texts import heldout
from monoglot.pipeline.walk import Walk
from monoglot.progress import SILENT, Progress
from monoglot.run import Artifact, write_json
from monoglot.tokenization.tokenized_corpus import TokenizedCorpus
from monoglot.training.lapt import Outcome, Scorer, train
from monoglot.training.objectives.base import Lesson, Task, Teacher
from monoglot.training.registry import check_objective, choose_objective, get_objective
from monoglot.training.settings import TrainingSettings

SCORED_BYTES = 10_000
"""How much held-out text is scored during training."""
SCORED_WORDS = 0.15
"""The share of its words that a masked model is asked for."""
CHECKPOINTS = "checkpoints"
METRICS = "metrics.jsonl"
RECORD = "training.json"


@dataclass(frozen=True)
class Order:
    """What every process of a run needs to know, in plain values.

    Attributes:
        student: Folder of the model to train.
        tokens: Folder of the tokenised corpus.
        checkpoints: Folder for checkpoints, and for what the objective keeps.
        objective: Name of the objective.
        settings: What the user asked for.
        training: How to train.
        teacher: Folder of the model to match.
        teacher_key: Content hash of its files.
        heldout: Lines to score with.
        mixture: File that tells which rows are new.
        identity: What else must be the same when a run goes on.
    """

    student: str
    tokens: str
    checkpoints: str
    objective: str
    settings: AdaptSettings
    training: TrainingSettings
    teacher: str | None
    teacher_key: str
    heldout: tuple[str, ...]
    mixture: str | None
    identity: dict[str, Any]


def choose_for(folder: Path, settings: AdaptSettings) -> str:
    """The objective for a model in a folder: the user's, if it fits, or the best that does.

    Only the configuration is read, no weights.

    Raises:
        SettingError: If it does not fit, or none does.
    """
    inner = transformer_folder(folder)
    config = load_config(inner, trust_remote_code=settings.trust_remote_code)
    model_class = find_class(inner, config, trust_remote_code=settings.trust_remote_code)
    skeleton, has_teacher = blueprint(model_class, config), settings.teacher is not None
    name = settings.objective or choose_objective(skeleton, has_teacher=has_teacher)
    check_objective(name, get_objective(name, settings.objective_options), skeleton, has_teacher=has_teacher)
    return name


def adapted(
    walk: Walk,
    student: Path,
    student_key: str,
    survey: Artifact,
    tokens: Artifact,
    settings: AdaptSettings,
    training: TrainingSettings,
    objective: str,
    *,
    mixture: Path | None = None,
) -> Artifact:
    """Continue pretraining: the files of a Hugging Face folder, and beside them ``training/``.

    Args:
        walk: The run.
        student: Folder of the model to train.
        student_key: Content hash of it.
        survey: Stage of the held-out text.
        tokens: Stage of the corpus as its tokens.
        settings: What the user asked for.
        training: How to train.
        objective: Name of the objective.
        mixture: File that tells which rows are new, if there is one.
    """
    teacher = open_source(settings.teacher) if settings.teacher else None
    checkpoints = walk.run.partial / CHECKPOINTS
    lines = tuple(some(heldout(survey), SCORED_BYTES))
    inputs = {"student": student_key, "text": survey.key, "tokens": tokens.key}
    inputs |= {"teacher": teacher.key} if teacher else {}
    chosen = {"objective": objective, "options": dict(settings.objective_options), "seed": settings.seed}

    def compute(folder: Path) -> None:
        order = Order(
            str(student), str(tokens.folder), str(checkpoints), objective, settings, training,
            str(teacher.folder) if teacher else None, teacher.key if teacher else "",
            lines, str(mixture) if mixture else None, chosen | inputs,
        )  # fmt: skip
        processes.send(order)
        outcome = carry_out(order, walk.corpus.lines, walk.progress)
        save_student(student, outcome, folder)
        write_json(checkpoints / RECORD, outcome.record)

    def keep(folder: Path) -> None:
        for name in (METRICS, RECORD):
            (folder / name).write_bytes((checkpoints / name).read_bytes())

    model = walk.stage("adapted", compute, chosen | training.lasting(), **inputs)
    if model.reused:
        processes.send(None)
    walk.stage("training", keep, adapted=model)
    return model


def follow() -> None:
    """Do what the leading process asks for: train along with it, or nothing."""
    order = processes.receive()
    if isinstance(order, Order):
        carry_out(order, _no_lines, SILENT)


def carry_out(order: Order, lines: Callable[[], Iterable[str]], progress: Progress) -> Outcome:
    """Train as ordered; the same in every process."""
    settings = order.settings
    student = Path(order.student)
    model = load_model(student, trust_remote_code=settings.trust_remote_code).float()
    if settings.attention:
        use_attention(model, settings.attention)
    tokenizer = load_tokenizer(student)
    folder = Path(order.checkpoints)
    (folder / "cache").mkdir(parents=True, exist_ok=True)
    lesson = Lesson(
        model,
        tokenizer,
        TokenizedCorpus.open(Path(order.tokens)),
        lines,
        settings.seed,
        folder / "cache",
        load_teacher(order),
        progress,
    )
    longest = min(order.training.window_tokens, longest_input_tokens(model, tokenizer))
    return train(
        lesson,
        get_objective(order.objective, settings.objective_options),
        order.training.with_windows(longest),
        folder,
        identity=order.identity,
        new_rows=new_rows(order.mixture),
        score=scorer(tokenizer, order.heldout),
        progress=progress,
    )


def use_attention(model: PreTrainedModel, name: str) -> None:
    """Switch to another implementation of attention.

    Raises:
        SettingError: If the model has none of that name, or a package for it is missing.
    """
    try:
        model.set_attn_implementation(name)
    except (ValueError, ImportError) as error:
        raise SettingError(f"--attention {name} can't be used: {str(error).splitlines()[0]}") from error


def load_teacher(order: Order) -> Teacher | None:
    """The model to match."""
    if order.teacher is None:
        return None
    source = open_source(order.teacher, trust_remote_code=order.settings.trust_remote_code)
    return Teacher(source.model, source.tokenizer, order.teacher_key)


def new_rows(mixture: str | None) -> np.ndarray | None:
    """Which rows of the vocabulary were not copied from the source."""
    if mixture is None:
        return None
    provenance: np.ndarray = Mixture.load(Path(mixture)).provenance
    return provenance != Provenance.COPIED


def scorer(tokenizer: PreTrainedTokenizerFast, lines: tuple[str, ...]) -> Scorer:
    """Bits per byte of a language model on held-out lines, and what the objective itself measures."""

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


def some(lines: list[str], most_bytes: int) -> list[str]:
    """The first lines, up to so many bytes; at least one."""
    sizes = np.cumsum([len(line.encode()) for line in lines])
    return lines[: max(1, int(np.searchsorted(sizes, most_bytes, side="right")))]


def save_student(student: Path, outcome: Outcome, folder: Path) -> None:
    """Write the trained model as the untrained one was stored: same class, dtype and files beside it."""
    model = load_model(student)
    known = set(model.state_dict())
    unknown = sorted(set(outcome.weights) - known)
    if unknown:
        raise ModelError(f"training gave weights that the model does not have, such as {unknown[0]}")
    with torch.no_grad():
        model.load_state_dict(outcome.weights, strict=False)
    save(model, load_tokenizer(student), student, folder)


def _no_lines() -> Iterable[str]:
    raise RuntimeError("only the leading process reads the text")
