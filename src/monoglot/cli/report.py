"""``monoglot report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.progress import Terminal


@app.command(usage="Usage: monoglot report OUT [OPTIONS]")
def report(
    output: Path,
    /,
    *,
    source: str | None = None,
    language: str | None = None,
    evaluate: bool = False,
    png: bool = False,
    trust_remote_code: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Write the page that shows what a run did, its drawings, and the model card.

    ``specialize`` and ``adapt`` do so at their end. The page is ``OUTPUT/monoglot/report.html``, one file
    that loads nothing; the drawings are in ``OUTPUT/monoglot/figures``; the card is ``OUTPUT/README.md``,
    which is left alone if you wrote or changed it.

    Example: ``monoglot report e5-german --language de``

    Args:
        output: Folder that specialize or adapt wrote.
        source: Folder or hub name of the model it was made from, if that is elsewhere than it was.
        language: Code of the language, such as de, for the card.
        evaluate: Measure quality (bits per byte, or the cosine of sentence vectors) and speed of both models
            on 100 held-out lines first, for the table of before and after.
        png: Write the drawings as PNG too (``pip install 'monoglot[png]'``).
        trust_remote_code: Whether code that comes with the models may run.
        as_json: Print what was written as JSON.
    """
    from monoglot.pipeline.report import report as run

    result = run(
        output, source=source, language=language, evaluate=evaluate, png=png,
        trust_remote_code=trust_remote_code, progress=Terminal(),
    )  # fmt: skip
    present(result, "report_lines", as_json=as_json, module="report_display")
