"""``monoglot plan``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.progress import Terminal


@app.command(usage="Usage: monoglot plan SOURCE CORPUS... [OPTIONS]")
def plan(
    source: str,
    /,
    *corpus: str,
    keep_text: tuple[str, ...] = (),
    keep_tokens: str | None = None,
    column: str | None = None,
    trust_remote_code: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Look at a model and a corpus, and advise what to do; nothing is written.

    Args:
        source: Folder or hub name of the model.
        corpus: Text: .txt, .jsonl, .csv, .parquet, each also .gz or .zst; globs, folders, hub datasets.
        keep_text: Texts to keep beside the prompts, prefixes and chat templates that the model's files name.
        keep_tokens: File of tokens, or texts, to keep, one a line.
        column: Column of the corpus that holds the text, where it has columns.
        trust_remote_code: Whether code that comes with the model may run.
        as_json: Print everything as JSON.
    """
    from monoglot.pipeline.planning import plan as make_plan

    result = make_plan(
        source,
        corpus,
        keep_text=keep_text,
        keep_tokens=keep_tokens,
        column=column,
        trust_remote_code=trust_remote_code,
        progress=Terminal(),
    )
    present(result, "plan_tables", as_json=as_json)
