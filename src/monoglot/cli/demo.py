"""``monoglot demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.progress import Terminal


@app.command
def demo(
    *,
    language: str = "de",
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("demo-output"),
    overwrite: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Show the whole job on a small model and text that come with monoglot: some minutes, no network.

    Compares initialisation methods with controls, makes the specialised model, trains it for a short while,
    and writes the report.

    Example: ``monoglot demo --language sw``

    Args:
        language: de (German) or sw (Swahili).
        output: Folder to make.
        overwrite: Replace what an earlier demo made.
        as_json: Print the figures as JSON.
    """
    from monoglot.pipeline.demo import demo as run

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the output itself

    result = run(language, output, overwrite=overwrite, say=say, progress=Terminal())
    present(result, "demo_tables", as_json=as_json, module="demo_display")
