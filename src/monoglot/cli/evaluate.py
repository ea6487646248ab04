"""``monoglot evaluate``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.evaluation.settings import FineTuning
from monoglot.pipeline.evaluate_settings import EvaluateSettings, TaskSettings, check_choice
from monoglot.progress import Terminal


@app.command(usage="Usage: monoglot evaluate MODEL [TEXT...] [OPTIONS]")
def evaluate(
    model: str,
    /,
    *text: str,
    against: str | None = None,
    retention: tuple[str, ...] = (),
    settings: Annotated[EvaluateSettings | None, Parameter(name="*")] = None,
    task: str | None = None,
    data: Annotated[TaskSettings | None, Parameter(name="*")] = None,
    tuning: Annotated[FineTuning | None, Parameter(name="*")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Score a model on a text, or on a task with data of its own.

    On a text: bits per byte (every line on its own), and how well the tokenizer fits. With ``--task``: a head
    is trained and judged, several times (ner, pos, nli, classification, qa, sts), or sentence vectors are
    compared as they are (retrieval; sts without training data).

    Examples: ``monoglot evaluate gemma-de german.txt --against gemma --retention english.txt``;
    ``monoglot evaluate e5-sw --task ner --train train.conll --dev dev.conll --test test.conll``

    Args:
        model: Folder or hub name.
        text: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        against: A model to compare with, such as the one that it was made from.
        retention: Text of another language, to see what was lost of it.
        settings: Everything else about texts.
        task: What to have the model do instead: ner, pos, nli, classification, qa, sts or retrieval.
        data: The data of the task, and how it is run.
        tuning: How it is trained.
        as_json: Print everything as JSON.
    """
    check_choice(text, retention, task, data)
    if task is None:
        from monoglot.pipeline.evaluation import evaluate as run

        result = run(
            model, text, against=against, retention=retention, settings=settings, progress=Terminal()
        )
        present(result, "evaluation_tables", as_json=as_json, module="evaluation_display")
        return
    from monoglot.pipeline.evaluation_tasks import evaluate_task

    trusted = settings is not None and settings.trust_remote_code
    scores = evaluate_task(
        task, model, data or TaskSettings(), tuning,
        against=against, trust_remote_code=trusted, progress=Terminal(),
    )  # fmt: skip
    present(scores, "task_tables", as_json=as_json, module="evaluation_display")
