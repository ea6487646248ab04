"""``monoglot explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present


@app.command(usage="Usage: monoglot explain OUT WORD... [OPTIONS]")
def explain(
    output: Path,
    /,
    *words: str,
    source: str | None = None,
    neighbors: int = 8,
    trust_remote_code: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Show what became of words and tokens: pieces before and after, parents, neighbours.

    A word is cut as in the middle of a sentence, and each of its tokens is explained: where its embedding
    comes from, of which old tokens with which weights, what lies near it in the new embeddings, in the old
    and in the auxiliary space, and how often the corpus has it.

    Example: ``monoglot explain e5-german Krankenwagen ▁Straße``

    Args:
        output: Folder that specialize, or adapt after it, wrote.
        words: Words such as Haus, or tokens such as ▁Haus or ##en.
        source: Folder or hub name of the model it was made from, if that is elsewhere than it was.
        neighbors: How many nearest tokens to show.
        trust_remote_code: Whether code that comes with the models may run.
        as_json: Print everything as JSON.
    """
    from monoglot.report.explain import explain as run

    result = run(output, words, source=source, neighbors=neighbors, trust_remote_code=trust_remote_code)
    present(result, "explanation_lines", as_json=as_json, module="explain_display")
