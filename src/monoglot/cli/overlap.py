"""``monoglot overlap``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.pipeline.settings import Settings
from monoglot.progress import Terminal


@app.command(usage="Usage: monoglot overlap SOURCE TARGET [OPTIONS]")
def overlap(
    source: str,
    target: str,
    /,
    *,
    corpus: tuple[str, ...] = (),
    english: tuple[str, ...] = (),
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Show what two vocabularies share, and how the missing tokens would be initialised.

    Args:
        source: Folder or hub name of the source model, or of its tokenizer.
        target: Folder or hub name of the target tokenizer.
        corpus: Text of the target language: weights tokens by frequency, and tells names from words.
        english: English text: recognises what is English.
        as_json: Print everything as JSON.
    """
    from monoglot.pipeline.analysis import analyze_overlap

    analysis = analyze_overlap(
        source, target, corpus, english, threads=Settings().n_threads, progress=Terminal()
    )
    present(analysis, "analysis_tables", as_json=as_json)
