"""What the leading process tells the others to do, and the doing of it: training one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError, SettingError
from monoglot.evaluation.bits_per_byte import LanguageSettings, score_language
from monoglot.evaluation.longest_input import longest_input_tokens
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.folder import load_model
from monoglot.model.source import open_source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline import processes
from monoglot.pipeline.adapt_settings import AdaptSettings
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.lapt import Outcome, Scorer, train
from monoglot.training.objective import Lesson, Task, Teacher
from monoglot.training.registry import get_objective
from monoglot.training.schedule import TrainingSettings

SCORED_WORDS = 0.15
"""The share of its words that a masked model is asked for."""


@dataclass(frozen=True)
class Order:
    """What every process of a run needs to know, in plain values.

    Attributes:
        student: Folder of the model to train.
        tokens: Folder of the tokenised corpus.
        checkpoints: Folder for checkpoints.
        cache: Folder for what the objective keeps.
        settings: What to learn.
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
    cache: str
    settings: AdaptSettings
    training: TrainingSettings
    teacher: str | None
    teacher_key: str
    heldout: tuple[str, ...]
    mixture: str | None
    identity: dict[str, Any]


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
    folder, cache = Path(order.checkpoints), Path(order.cache)
    cache.mkdir(parents=True, exist_ok=True)
    lesson = Lesson(
        model,
        tokenizer,
        TokenizedCorpus.open(Path(order.tokens)),
        lines,
        settings.seed,
        cache,
        load_teacher(order),
        progress,
    )
    longest = min(order.training.window_tokens, longest_input_tokens(model, tokenizer))
    return train(
        lesson,
        get_objective(str(settings.objective), settings.objective_options),
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
    return np.asarray(Mixture.load(Path(mixture)).provenance != Provenance.COPIED)


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


def _no_lines() -> Iterable[str]:
    raise RuntimeError("only the leading process reads the text")
