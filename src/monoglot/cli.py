"""The command line: one command a task; parses, calls the pipeline, prints."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from monoglot import __version__
from monoglot.errors import MonoglotError
from monoglot.pipeline.settings import Settings
from monoglot.progress import Terminal

if TYPE_CHECKING:
    from monoglot.pipeline.summary import Summary

app = App(
    name="monoglot",
    version=__version__,
    help="Give any Hugging Face transformer a vocabulary made for your language.",
    default_parameter=Parameter(negative=()),
)

USAGE_ERROR = 2
INTERRUPTED = 130


@app.command
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
    if as_json:
        print(json.dumps(summary.as_dict(), ensure_ascii=False, indent=2))  # noqa: T201 - the output itself
    else:
        show(summary)


def show(summary: Summary) -> None:
    """Print what a run did."""
    from monoglot.pipeline.display import summary_table

    console = Console()
    for part in summary_table(summary):
        console.print(part, highlight=False)


def quiet_libraries() -> None:
    """Keep libraries from printing what their user can't act upon."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", module="(transformers|huggingface_hub|torch|datasets)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words of the command line; by default those of the process.

    Returns:
        The exit code: 0, 2 for input that can't be used, 130 when interrupted.
    """
    quiet_libraries()
    errors = Console(stderr=True, soft_wrap=True)
    try:
        app(arguments, exit_on_error=False, error_console=errors, result_action="return_value")
    except CycloptsError:
        return USAGE_ERROR  # cyclopts has said what is wrong
    except MonoglotError as error:
        errors.print(f"[bold red]error:[/] {error}", highlight=False, markup=True)
        return error.exit_code
    except KeyboardInterrupt:
        errors.print("interrupted: the same command goes on from here")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
