"""Running one command: its words, its exit code, and what is said when it fails."""

from __future__ import annotations

import gc
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from cyclopts import CycloptsError
from rich.console import Console

from monoglot.cli.base import app
from monoglot.cli.usage import check_flags, usage_error
from monoglot.errors import Interrupted, MonoglotError, first_line
from monoglot.visible import escape

USAGE_ERROR = 2
INTERRUPTED = 130
UNFORESEEN = 1
YOUNG_OBJECTS = 500_000
TRACEBACK = "MONOGLOT_TRACEBACK"
STANDARD_INPUT = "/dev/stdin"


def quiet_libraries() -> None:
    """Keep libraries from printing what their user can't act upon."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", module="(transformers|huggingface_hub|torch|datasets)")


def collect_rarely() -> None:
    """Let Python look for cycles of dead objects seldom.

    Two vocabularies and their tokenizer.json are millions of small objects that stay. By default Python goes
    over them after every 700 new ones, finds nothing, and takes as long for it as for the work.
    """
    gc.set_threshold(YOUNG_OBJECTS)


def unforeseen(error: BaseException) -> str:
    """Say in one sentence that something went wrong that nobody thought of, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}monoglot{os.sep}" in frame.filename] or frames
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"
    return escape(
        f"{type(error).__name__} at {where} ({first_line(error)}): this is a fault of monoglot; please "
        f"report it, with what {TRACEBACK}=1 in front of the same command prints."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words of the command line; by default those of the process.

    Returns:
        The exit code: 0, 1 for what nobody thought of, 2 for input that can't be used, 130 when interrupted,
        143 when training was told to stop (SIGTERM) and has saved.
    """
    quiet_libraries()
    collect_rarely()
    errors = Console(stderr=True, soft_wrap=True)
    try:
        words = list(sys.argv[1:] if arguments is None else arguments)
        words = [STANDARD_INPUT if word == "-" else word for word in words]  # else read as an option
        check_flags(app, words)
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        errors.print(f"[bold red]error:[/] {escape(usage_error(error))}", highlight=False, markup=True)
        return USAGE_ERROR
    except Interrupted as stop:
        errors.print(str(stop), highlight=False)
        return stop.exit_code
    except MonoglotError as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, markup=True)
        return error.exit_code
    except KeyboardInterrupt:
        errors.print("interrupted: what is done is kept, and the same command goes on from here")
        return INTERRUPTED
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # whatever is left, panics of Rust included
        if os.environ.get(TRACEBACK):
            raise
        errors.print(f"[bold red]error:[/] {unforeseen(error)}", highlight=False, markup=True)
        return UNFORESEEN
    return 0
