"""``monoglot adapt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.pipeline.adapt_settings import AdaptSettings
from monoglot.progress import Terminal
from monoglot.training.schedule import TrainingSettings


@app.command(usage="Usage: monoglot adapt MODEL CORPUS... --output OUT [OPTIONS]")
def adapt(
    model: str,
    /,
    *corpus: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    settings: Annotated[AdaptSettings | None, Parameter(name="*")] = None,
    training: Annotated[TrainingSettings | None, Parameter(name="*")] = None,
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Continue pretraining of a model on text of one language.

    Packs the text without padding, computes logits only where they are needed, and writes a Hugging Face
    folder. An interrupted run goes on from its last checkpoint. Several processes share the work when they
    are launched together: ``accelerate launch -m monoglot adapt …``.

    Example: ``monoglot adapt e5-german german/*.txt.gz --output e5-german-lapt --tokens 10M``

    Args:
        model: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make.
        settings: What to learn, and from what.
        training: How long, how fast, what of the model.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        as_json: Print the summary as JSON.
    """
    from monoglot.pipeline.adapt import adapt as run

    summary = run(model, corpus, output, settings, training, overwrite=overwrite, progress=Terminal())
    if summary:
        present(summary, "adapted_table", as_json=as_json)
