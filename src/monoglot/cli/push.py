"""``monoglot push``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monoglot.cli.base import app, present
from monoglot.progress import Terminal


@app.command(usage="Usage: monoglot push OUT NAME [OPTIONS]")
def push(
    output: Path,
    name: str,
    /,
    *,
    public: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Publish a finished model on the Hugging Face hub: weights, tokenizer, configuration and card.

    Nothing of ``OUTPUT/monoglot`` is published: it holds your text and the paths of your files; nor is
    whatever else is no file of a model. What goes is listed first. Look at
    ``OUTPUT/README.md`` before, which becomes the model's page.

    Example: ``monoglot push e5-german my-name/e5-german``

    Args:
        output: Folder that specialize or adapt wrote.
        name: Where it goes: owner/model.
        public: Let everybody see it; without this it is private.
        as_json: Print what was published as JSON.
    """
    from monoglot.pipeline.push import push as run

    present(
        run(output, name, public=public, say=Terminal().note),
        "push_lines",
        as_json=as_json,
        module="push_display",
    )
