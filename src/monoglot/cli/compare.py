"""``monoglot compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.pipeline.compare_settings import CompareSettings
from monoglot.progress import Terminal


@app.command(usage="Usage: monoglot compare SOURCE CORPUS... --output OUT [OPTIONS]")
def compare(
    source: str,
    /,
    *corpus: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    settings: Annotated[CompareSettings | None, Parameter(name="*")] = None,
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Compare initialisation methods on one model and text, each after the same short training.

    All share vocabulary, auxiliary vectors and text. Controls are added: subword, random rows, the
    source's vocabulary trimmed, the same whole, and the original as it is. An interrupted run goes on where
    it was; with --overwrite, methods can be added to one that is done.

    Example: ``monoglot compare gemma german/*.txt.gz --output methods-de --methods blend,focus,mean``

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        output: Folder to make: comparison.json, curves.svg, and what they were made from.
        settings: Everything else.
        overwrite: Replace an output that an earlier run made; what has not changed is not done again.
        as_json: Print the scoreboard as JSON.
    """
    from monoglot.pipeline.compare import compare as run

    comparison = run(source, corpus, output, settings, overwrite=overwrite, progress=Terminal())
    present(comparison, "comparison_tables", as_json=as_json, module="compare_display")
