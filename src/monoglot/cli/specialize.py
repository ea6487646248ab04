"""``monoglot specialize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.pipeline.settings import Settings
from monoglot.progress import Terminal


@app.command(usage="Usage: monoglot specialize SOURCE CORPUS... --output OUT [OPTIONS]")
def specialize(
    source: str,
    /,
    *corpus: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    settings: Annotated[Settings | None, Parameter(name="*")] = None,
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Make a model for one language out of a multilingual one.

    Trains a tokenizer on the corpus, keeps the embeddings of all tokens that both vocabularies share, mixes
    those of the others (FOCUS), and writes a Hugging Face folder. An interrupted run goes on where it was.

    Example: ``monoglot specialize intfloat/multilingual-e5-small german/*.txt.gz --output e5-german``

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make.
        settings: Everything else.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        as_json: Print the summary as JSON.
    """
    from monoglot.pipeline.specialize import specialize as run

    summary = run(source, corpus, output, settings, overwrite=overwrite, progress=Terminal())
    present(summary, "summary_table", as_json=as_json)
