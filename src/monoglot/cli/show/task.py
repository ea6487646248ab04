"""How well does a model do a task?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.evaluate_task import TaskEvaluation, TaskScores

COUNTS = ("words", "entities", "examples", "pairs", "questions")
"""What scores are taken over; the same for every seed."""


def task_tables(evaluation: TaskEvaluation) -> Iterator[RenderableType]:
    """Show scores of a task."""
    from monoglot.pipeline.evaluate_task import summarized

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
            table.add_row(_short(place, evaluation.models), name, *(_cell(run, name) for run in runs))
            place = ""
    yield table
    if evaluation.fine_tuned:
        yield f"Epochs were chosen by {evaluation.metric} on the development set; ± is a standard deviation."
        if any(one.head == "usual" for one in evaluation.models):
            yield "Compare published scores with those of the usual head."
        else:
            yield "Published scores use the usual head: to get these too, pass --heads both or --heads usual."


def _column(scores: TaskScores) -> str:
    """The title of a column: a model, and what its head was given."""
    from monoglot.pipeline.evaluate_task import HEADS

    name = Path(scores.model).name
    return f"{name}\n{HEADS[scores.head]}" if scores.head else name


def _places(models: Sequence[TaskScores]) -> dict[str, list[list[dict[str, float]]]]:
    """For the development set and each test set, the runs of each model."""
    places = {"dev": [model.dev for model in models]} if models[0].dev else {}
    return places | {name: [model.tests[name] for model in models] for name in models[0].tests}


def _short(place: str, models: Sequence[TaskScores]) -> str:
    """A file's name without its folder, if no other test has that name: paths are wider than the table."""
    names = [Path(name).name for name in models[0].tests]
    short = Path(place).name
    return short if Path(place).is_file() and names.count(short) == 1 else place


def _cell(runs: list[dict[str, float]], name: str) -> str:
    from monoglot.pipeline.evaluate_task import summarized

    summary = summarized(runs).get(name)
    if summary is None:
        return "-"
    if name in COUNTS:
        return f"{summary['mean']:,.0f}"
    spread = f" ± {summary['std']:.4f}" if summary["std"] is not None else ""
    return f"{summary['mean']:.4f}{spread}"
