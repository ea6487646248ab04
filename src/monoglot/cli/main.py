"""Runs one command: reads its words, gives the exit code, and turns errors into one sentence."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from itertools import pairwise, takewhile
from pathlib import Path

from cyclopts import App, CycloptsError, MissingArgumentError, UnknownOptionError, UnusedCliTokensError
from rich.console import Console

from monoglot.cli.base import app
from monoglot.errors import Interrupted, MonoglotError, SettingError, first_line
from monoglot.visible import escape

TRUTHS = ("true", "false", "yes", "no")


def check_flags(app: App, words: Sequence[str]) -> None:
    """Refuse ``--flag false``: the flag would be set, and the word be read as a file or a name.

    Args:
        app: The application.
        words: Words of the command line.

    Raises:
        SettingError: If a flag that takes no value has one as a word of its own.
    """
    _, apps, rest = app.parse_commands(list(words))
    command = apps[-1].default_command
    if command is None or not command.__module__.startswith(__package__):
        return  # such as cyclopts' own --help
    options = apps[-1].assemble_argument_collection()
    flags = {name for argument in options if argument.token_count()[0] == 0 for name in argument.names}
    for flag, word in pairwise(takewhile(lambda word: word != "--", rest)):
        if flag in flags and word.lower() in TRUTHS:
            raise SettingError(
                f"{flag} takes no value as a word of its own, got '{flag} {word}': write {flag} or "
                f"{flag}=false"
            )


def usage_error(error: CycloptsError) -> str:
    """Describe what is wrong with a command line and how to fix it, in one sentence.

    Args:
        error: What cyclopts found.
    """
    command = " ".join(["monoglot", *(error.command_chain or ())])
    return f"{_sentence(error, command)} See: {command} --help"


def _sentence(error: CycloptsError, command: str) -> str:
    if isinstance(error, UnusedCliTokensError):
        return f"{command} takes no more arguments, got also: {' '.join(error.unused_tokens or ())}."
    if isinstance(error, MissingArgumentError) and error.argument and not _named(error):
        return f"{error.argument.name} is missing."
    said = str(error).partition(" Available commands")[0]
    if isinstance(error, UnknownOptionError):
        begun = (error.token.keyword or error.token.value).partition("=")[0]
        if begun in ELSEWHERE and command.endswith(" adapt"):
            return f"Unknown option: {begun}: {ELSEWHERE[begun]}"
        options = [argument.names for argument in error.argument_collection if argument.parse]
        meant = ([name for name in names if name.startswith(begun)] for names in options)
        longer = sorted(names[0] for names in meant if names and begun.startswith("--"))
        # Whoever types the beginning of an option means that one, and no other that looks alike.
        return f"{said.partition(' Did you mean')[0]} Did you mean {' or '.join(longer)}?" if longer else said
    return said


def _named(error: MissingArgumentError) -> bool:
    """Whether the command line has the option, so that only its value is missing."""
    tokens = error.argument.tokens if error.argument else ()
    return error.keyword is not None or any(token.keyword is not None for token in tokens)


ELSEWHERE = {
    "--gradient-accumulation-steps": "give --batch-tokens for a step, --device-tokens for a part.",
    "--per-device-train-batch-size": "give --device-tokens: batches are counted in tokens.",
    "--num-train-epochs": "give --tokens: the corpus is read again where it has fewer.",
    "--max-steps": "give --tokens: a step has --batch-tokens of them.",
    "--save-steps": "give --checks: how many times to score and to save.",
    "--eval-steps": "give --checks: how many times to score and to save.",
    "--bf16": "give --precision bf16.",
}
"""Options of transformers whose meaning an option of `adapt` has in another unit."""

USAGE_ERROR = 2
INTERRUPTED = 130
READER_LEFT = 141
UNFORESEEN = 1
OF_THE_PLACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}
"""Numbers of the system's errors that the user can do something about."""
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
    """Run Python's garbage collector seldom, and not at exit.

    Two vocabularies and their tokenizer.json are millions of small objects that stay. By default Python goes
    over them after every 700 new ones, finds nothing, and takes as long for it as for the work. At exit it
    goes several times over everything that importing torch and transformers made: a CPU second.
    """
    gc.set_threshold(YOUNG_OBJECTS)
    atexit.register(gc.freeze)


def unforeseen(error: BaseException) -> str:
    """Describe an unforeseen error in one sentence, with its place in the code."""
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
        The exit code: 0, 1 for unforeseen errors, 2 for input that can't be used, 130 when interrupted,
        141 when nobody reads its output to the end, 143 when training was told to stop (SIGTERM) and has
        saved.
    """
    quiet_libraries()
    collect_rarely()
    errors = Console(stderr=True, soft_wrap=True)
    try:
        words = list(sys.argv[1:] if arguments is None else arguments)
        words = [STANDARD_INPUT if word == "-" else word for word in words]  # else read as an option
        check_flags(app, words)
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
        if sys.stdout is not None:
            sys.stdout.flush()  # here, and not when Python ends, is it noticed that the reader has left
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
        errors.print("interrupted: what is done is kept, and the same command resumes from here")
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        leave_output()
        return READER_LEFT
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # whatever is left, panics of Rust included
        if os.environ.get(TRACEBACK):
            raise
        return print_failure(error, errors)
    return 0


def print_failure(error: BaseException, errors: Console) -> int:
    """Print an error that monoglot did not raise, and give the exit code."""
    if isinstance(error, OSError) and error.errno in OF_THE_PLACE:
        if error.filename is None:
            leave_output()
        errors.print(f"[bold red]error:[/] {unusable_place(error)}", highlight=False, markup=True)
        return USAGE_ERROR
    errors.print(f"[bold red]error:[/] {unforeseen(error)}", highlight=False, markup=True)
    return UNFORESEEN


def leave_output() -> None:
    """Write what is left of standard output to nowhere: Python would try it again when it ends."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unusable_place(error: OSError) -> str:
    """Say in one sentence what could not be read or written."""
    place = error.filename or "standard output"
    return escape(
        f"{place} can't be read or written ({error.strerror}); expected a place with room, and the right to "
        "use it: make room, change its permissions, or choose another place."
    )
