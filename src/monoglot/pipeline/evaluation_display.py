"""What `evaluate` found, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from monoglot.pipeline.evaluation import Difference, Evaluation, TextScores
from monoglot.pipeline.evaluation_tasks import HEADS, TaskEvaluation, TaskScores, summarized

COUNTS = ("words", "entities", "examples", "pairs", "questions")
"""What scores are taken over; the same for every seed."""


def evaluation_tables(evaluation: Evaluation) -> Iterator[RenderableType]:
    """Scores on texts as tables and lines to print."""
    yield from _text("the text", evaluation.text, evaluation.difference)
    if evaluation.retention:
        yield ""
        yield from _text("the other text (retention)", evaluation.retention, evaluation.lost)
    if evaluation.cosine is not None:
        yield f"\nSentence vectors: mean cosine to those of the other {evaluation.cosine:.4f}."
    if speed := evaluation.speed:
        yield (
            f"\nSpeed, in turns on {speed.first.lines} lines: {speed.first.lines_per_second:,.1f} lines "
            f"({speed.first.bytes_per_second:,.0f} bytes) a second against "
            f"{speed.second.lines_per_second:,.1f} ({speed.second.bytes_per_second:,.0f}): "
            f"{speed.speedup:.2f} times as fast ({min(speed.round_ratios):.2f} to "
            f"{max(speed.round_ratios):.2f} in {len(speed.round_ratios)} rounds)."
        )
        sizes = (f"{one.parameter_bytes / 1e6:,.0f} MB" for one in (speed.first, speed.second))
        yield f"Parameters take {' against '.join(sizes)} of memory: {speed.memory_ratio:.1%}."


def _text(
    title: str, scores: Sequence[TextScores], difference: Difference | None
) -> Iterator[RenderableType]:
    """Scores on one text: a column for each model."""
    first = scores[0].tokenizer
    yield f"On {title}: {first.lines:,} lines, {first.words:,} words, {first.bytes:,} bytes."
    table = Table("", *(Path(one.model).name for one in scores), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    if any(one.language for one in scores):
        for name, key in (("bits a byte", "bits_per_byte"), ("bits a character", "bits_per_character")):
            values = (f"{getattr(one.language, key):.4f}" if one.language else "-" for one in scores)
            table.add_row(f"{name} ({_kind(scores)})", *values)
        if any(one.language and one.language.standard_error for one in scores):
            errors = (f"{one.language.standard_error:.4f}" if one.language else "-" for one in scores)
            table.add_row("  standard error (words drawn)", *errors)
    rows = (
        ("tokens", "tokens", "{:,.0f}"),
        ("tokens a word", "fertility", "{:.3f}"),
        ("bytes a token", "bytes_per_token", "{:.3f}"),
        ("words cut to pieces", "continued_share", "{:.1%}"),
        ("text lost as unknown", "unknown_share", "{:.3%}"),
        ("byte tokens", "byte_share", "{:.3%}"),
        ("vocabulary", "vocabulary", "{:,.0f}"),
        ("  not used by this text", "never_used_share", "{:.1%}"),
        ("Rényi efficiency (2.5)", "renyi_efficiency", "{:.3f}"),
    )
    for name, key, form in rows:
        table.add_row(name, *(form.format(getattr(one.tokenizer, key)) for one in scores))
    if all(one.parity for one in scores):
        table.add_row("parity with English", *(f"{one.parity.ratio:.3f}" for one in scores if one.parity))
    yield table
    if all(one.language is None for one in scores):
        yield "No bits a byte: there is no language-model head."
    if difference:
        yield (
            f"Difference: {difference.bits_per_byte:+.4f} bits a byte, between {difference.low:+.4f} and "
            f"{difference.high:+.4f} with 95% (bootstrap over lines)."
        )


def _kind(scores: Sequence[TextScores]) -> str:
    kinds = dict.fromkeys(one.language.kind for one in scores if one.language)
    return ", ".join({"causal": "exact", "masked": "pseudo-likelihood"}[kind] for kind in kinds)


def task_tables(evaluation: TaskEvaluation) -> Iterator[RenderableType]:
    """Scores of a task as a table and lines to print."""
    seeds = (
        f", {evaluation.settings.seeds} seeds" if evaluation.fine_tuned else ", sentence vectors as they are"
    )
    yield f"{evaluation.task}{seeds}"
    table = Table("", "score", *map(_column, evaluation.models), box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for place, runs in _places(evaluation.models).items():
        names = dict.fromkeys(name for run in runs for name in summarized(run))
        for name in sorted(names, key=lambda name: name != evaluation.metric):
            table.add_row(place, name, *(_cell(run, name) for run in runs))
            place = ""
    yield table
    if evaluation.fine_tuned:
        yield f"Epochs were chosen by {evaluation.metric} on the development set; ± is a standard deviation."
        if any(one.head == "usual" for one in evaluation.models):
            yield "Scores of the usual head are the ones to compare with published scores."
        else:
            yield "Published scores are those of the usual head: --heads both or usual gives them, too."


def _column(scores: TaskScores) -> str:
    """The title of a column: a model, and what its head was given."""
    name = Path(scores.model).name
    return f"{name}\n{HEADS[scores.head]}" if scores.head else name


def _places(models: Sequence[TaskScores]) -> dict[str, list[list[dict[str, float]]]]:
    """For the development set and each test set, the runs of each model."""
    places = {"dev": [model.dev for model in models]} if models[0].dev else {}
    return places | {name: [model.tests[name] for model in models] for name in models[0].tests}


def _cell(runs: list[dict[str, float]], name: str) -> str:
    summary = summarized(runs).get(name)
    if summary is None:
        return "-"
    if name in COUNTS:
        return f"{summary['mean']:,.0f}"
    spread = f" ± {summary['std']:.4f}" if summary["std"] is not None else ""
    return f"{summary['mean']:.4f}{spread}"
