"""`evaluate`: how well a model and its tokenizer fit a text, beside those that it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

from monoglot.corpus import Given, inputs_of, open_corpus
from monoglot.device import check_device, limited_threads
from monoglot.errors import CorpusError
from monoglot.evaluation.bits_per_byte import LanguageScore, score_language
from monoglot.evaluation.labeled_data import DataSplit, read_split
from monoglot.evaluation.line_scores import paired_difference
from monoglot.evaluation.sentences import mean_cosine
from monoglot.evaluation.settings import FineTuning
from monoglot.evaluation.tasks.retrieval import Retrieval
from monoglot.evaluation.throughput import SpeedComparison, compare_speed
from monoglot.evaluation.tokenizer_scores import Parity, TokenizerScores, score_parity, score_tokenizer
from monoglot.keywords import explains_keywords
from monoglot.model.side_files import MODULES
from monoglot.model.source import Source, open_source
from monoglot.pipeline.evaluate_task import TaskEvaluation, evaluate_task, sentence_encoders
from monoglot.pipeline.inputs import check_runs
from monoglot.progress import SILENT, Progress, reporter
from monoglot.result import Highlight, Result, Row
from monoglot.settings import EvaluateSettings, TaskSettings, check_choice

SPEED_LINES = 64
"""Lines on which two models are timed."""


@dataclass(frozen=True)
class TextScores:
    """Scores of one model on one text.

    Attributes:
        model: Its name.
        tokenizer: Scores of its tokenizer.
        language: Its bits per byte; ``None`` for a model without a language-model head.
        parity: Its tokens for sentences and for their English translations, if there are such.
    """

    model: str
    tokenizer: TokenizerScores
    language: LanguageScore | None
    parity: Parity | None = None

    def to_dict(self) -> dict[str, Any]:
        """Figures and counts, for JSON."""
        return {
            "model": self.model,
            "tokenizer": self.tokenizer.to_dict(),
            "language": self.language.to_dict() if self.language else None,
            "parity": self.parity.to_dict() if self.parity else None,
        }


@dataclass(frozen=True)
class Difference:
    """Bits per byte of one model minus those of another, on the same lines.

    Attributes:
        bits_per_byte: The difference; below zero the model is better.
        low: Lower end of the interval in which it lies at 95% (bootstrap over lines).
        high: Its upper end.
    """

    bits_per_byte: float
    low: float
    high: float


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """Scores of a model, and of the model that it is compared with.

    Attributes:
        text: Scores on the text, of the model and, if there is one, of the other.
        retention: Scores on the text of another language.
        difference: The difference of bits per byte on the text.
        lost: The same on the text of another language.
        speed: Speed and memory side by side.
        cosine: Of two sentence encoders: the mean cosine of their vectors of the same line.
    """

    text: tuple[TextScores, ...]
    retention: tuple[TextScores, ...] = ()
    difference: Difference | None = None
    lost: Difference | None = None
    speed: SpeedComparison | None = None
    cosine: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Figures and counts, for JSON."""
        return {
            "text": [scores.to_dict() for scores in self.text],
            "retention": [scores.to_dict() for scores in self.retention],
            "difference": vars(self.difference) if self.difference else None,
            "lost": vars(self.lost) if self.lost else None,
            "speed": self.speed.to_dict() if self.speed else None,
            "cosine": self.cosine,
        }

    @property
    def after(self) -> TextScores:
        """Scores of the model on the text."""
        return self.text[0]

    @property
    def before(self) -> TextScores | None:
        """Scores of the model that it is compared with on the same text; ``None`` without one."""
        return self.text[1] if len(self.text) > 1 else None

    def highlights(self) -> Iterator[Highlight]:
        """Give the models, bits per byte, tokens per word, and their difference."""
        yield "model", self.after.model
        if self.before:
            yield "against", self.before.model
        for row in self.rows():
            found = [f"{row[when]:.4g}" for when in ("before", "after") if row[when] is not None]
            if row["figure"] in ("bits_per_byte", "fertility"):
                where = "" if row["text"] == "text" else f" ({row['text']})"
                yield f"{SHORT[row['figure']]}{where}", " → ".join(found)
        if self.difference:
            ends = f"{self.difference.low:+.4f} to {self.difference.high:+.4f} at 95%"
            yield "difference", f"{self.difference.bits_per_byte:+.4f} bits per byte ({ends})"
        if self.cosine is not None:
            yield "cosine", f"{self.cosine:.4f}, mean of both models' sentence vectors"
        if self.speed:
            yield "speed", f"{self.speed.speedup:.2f} times as fast"

    def rows(self) -> list[Row]:
        """Give a row for each figure on each text; before is the model that it is compared with."""
        texts = (("text", self.text), ("retention", self.retention))
        return [row for name, scores in texts if scores for row in _rows(name, scores)]


SHORT = {"bits_per_byte": "bits per byte", "fertility": "tokens per word"}
FIGURES = ("fertility", "bytes_per_token", "continued_share", "unknown_share", "vocabulary")
"""Scores of a tokenizer that `Evaluation.rows` has."""


def _rows(text: str, scores: Sequence[TextScores]) -> Iterator[Row]:
    """Rows of one text, for one model or two."""

    def row(figure: str, found: Sequence[float | None]) -> Row:
        return {"text": text, "figure": figure, "before": found[1] if found[1:] else None, "after": found[0]}

    for name in ("bits_per_byte", "bits_per_character"):
        if any(one.language for one in scores):
            yield row(name, [getattr(one.language, name) if one.language else None for one in scores])
    for name in FIGURES:
        yield row(name, [getattr(one.tokenizer, name) for one in scores])


@overload
def evaluate(
    model: str | Path,
    text: Given,
    *,
    against: str | Path | None = ...,
    retention: Given = ...,
    settings: EvaluateSettings | None = ...,
    progress: Progress | bool = ...,
) -> Evaluation: ...


@overload
def evaluate(
    model: str | Path,
    *,
    against: str | Path | None = ...,
    settings: EvaluateSettings | None = ...,
    task: str,
    data: TaskSettings,
    tuning: FineTuning | None = ...,
    progress: Progress | bool = ...,
) -> TaskEvaluation: ...


@overload
def evaluate(
    model: str | Path,
    text: Given = ...,
    *,
    against: str | Path | None = ...,
    retention: Given = ...,
    settings: EvaluateSettings | None = ...,
    task: str | None = ...,
    data: TaskSettings | None = ...,
    tuning: FineTuning | None = ...,
    progress: Progress | bool = ...,
) -> Evaluation | TaskEvaluation: ...


@explains_keywords(settings=EvaluateSettings, data=TaskSettings, tuning=FineTuning)
def evaluate(
    model: str | Path,
    text: Given = (),
    *,
    against: str | Path | None = None,
    retention: Given = (),
    settings: EvaluateSettings | None = None,
    task: str | None = None,
    data: TaskSettings | None = None,
    tuning: FineTuning | None = None,
    progress: Progress | bool = False,
) -> Evaluation | TaskEvaluation:
    """Score a model on a text, or on a task with data of its own.

    Args:
        model: Folder or hub name.
        text: Files, globs, folders or hub data sets; every line is scored on its own.
        against: A model to compare with on the same lines, such as the one that it was made from.
        retention: Text of another language, to see what was lost of it.
        settings: Everything else about texts.
        task: What to have the model do instead of reading a text: ``ner``, ``pos``, ``nli``,
            ``classification``, ``qa``, ``sts`` or ``retrieval``.
        data: The data of the task, and how it is run.
        tuning: How it is trained.
        progress: Whether to show how far it is, or where.

    Returns:
        Scores on the text; with ``task`` those of the task.

    Raises:
        InputError: If something that was given can't be used.
    """
    settings, progress = settings or EvaluateSettings(), reporter(progress)
    check_choice(inputs_of(text), inputs_of(retention), task, data)
    with limited_threads(settings.n_threads):
        check_device(settings.device)
        trusted = settings.trust_remote_code
        names = [str(name) for name in (model, against) if name]
        if task is not None:
            return evaluate_task(
                task, names[0], data or TaskSettings(), tuning,
                against=names[1] if against else None, device=settings.device, trust_remote_code=trusted,
                progress=progress,
            )  # fmt: skip
        sources = [open_source(name, trust_remote_code=trusted) for name in names]
        lines = read_lines(text, settings, progress)
        other_lines = read_lines(retention, settings, progress) if inputs_of(retention) else []
        pairs = read_split(settings.parallel, Retrieval.columns, "test") if settings.parallel else None
        return compare_models(sources, lines, settings, other_lines, pairs, progress=progress)


def compare_models(
    sources: Sequence[Source],
    lines: Sequence[str],
    settings: EvaluateSettings,
    other_lines: Sequence[str] = (),
    pairs: DataSplit | None = None,
    *,
    progress: Progress = SILENT,
) -> Evaluation:
    """Score one model, or two side by side.

    Args:
        sources: The model, and perhaps another to compare with.
        lines: The text.
        settings: How it is scored.
        other_lines: Text of another language, to see what was lost of it.
        pairs: Sentences and their English translations, for the tokenizer's parity.
        progress: Where to show how far it is.
    """
    for source in sources:
        source.model.to(settings.device or "cpu")  # type: ignore[arg-type]  # torch's stubs lack this overload
        if source.model.dtype == torch.float16 and source.model.device.type == "cpu":
            source.model.float()  # processors only emulate float16: four times as slow, for the same figures
        if gives_probabilities(source) or (source.folder / MODULES).is_file():
            check_runs(source, source.model, trained=True)
    scores = tuple(score(source, lines, settings, progress, pairs) for source in sources)
    kept = tuple(score(source, other_lines, settings, progress) for source in sources if other_lines)
    speed = cosine = None
    if len(sources) == 2:
        first, second = ((source.model, source.tokenizer) for source in sources)
        speed = compare_speed(first, second, lines[:SPEED_LINES], progress=progress)
        if all((source.folder / MODULES).is_file() for source in sources):
            encoders = sentence_encoders(sources, progress=progress)
            vectors = [encoder(lines, progress=progress) for encoder in encoders]
            cosine = mean_cosine(*vectors)
    return Evaluation(
        scores, kept, compare(scores, settings.seed), compare(kept, settings.seed), speed, cosine
    )


def read_lines(inputs: Given, settings: EvaluateSettings, progress: Progress = SILENT) -> list[str]:
    """Read the first lines of a text, and say so if it has more.

    Raises:
        CorpusError: If there are none.
    """
    every = open_corpus(inputs, column=settings.column).all_lines()
    lines = list(islice(every, settings.lines))
    if not lines:
        raise CorpusError(f"there is no text to score in {', '.join(inputs_of(inputs))}.")
    if next(every, None) is not None:
        names = ", ".join(inputs_of(inputs))
        progress.note(f"the first {len(lines):,} lines of {names} are scored; --lines N changes it")
    return lines


def score(
    source: Source,
    lines: Sequence[str],
    settings: EvaluateSettings,
    progress: Progress,
    pairs: DataSplit | None = None,
) -> TextScores:
    """Score one model on some lines; models without a language-model head have no bits per byte."""
    model, tokenizer = source.model, source.tokenizer
    language = parity = None
    if gives_probabilities(source):
        language = score_language(model, tokenizer, lines, settings.language, progress=progress)
    if pairs:
        sides = ([record[side] for record in pairs.records] for side in ("sentence", "english"))
        parity = score_parity(tokenizer, *sides)
    return TextScores(source.name, score_tokenizer(tokenizer, lines), language, parity)


def gives_probabilities(source: Source) -> bool:
    """Tell whether a model has a language-model head."""
    return source.model.get_output_embeddings() is not None and not source.model.config.is_encoder_decoder


def compare(scores: Sequence[TextScores], seed: int) -> Difference | None:
    """Compute the paired difference of bits per byte, with a bootstrap interval."""
    pair = [one.language for one in scores if one.language is not None]
    if len(pair) < 2 or pair[0].kind != pair[1].kind:
        return None
    sizes = pair[0].line_bytes.astype(np.float64)
    found = paired_difference(pair[0].line_bits[None], pair[1].line_bits[None], sizes, seed=seed)
    return Difference(found.value, found.low, found.high)
