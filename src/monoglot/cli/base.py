"""The application that commands are registered with, and how their results are shown."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter, Token, convert
from rich.console import Console, RenderableType

from monoglot import __version__
from monoglot.cli.config_file import fill_from_config
from monoglot.options import OUTPUT, from_text
from monoglot.progress import SILENT, Progress, Terminal
from monoglot.result import Result


def shown_default(value: Any) -> str | None:
    """Give the default that the help shows; nothing for empty values."""
    if value is None or value is False or value in ((), [], {}, ""):
        return None
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def by_declared_type(declared: Any, tokens: Sequence[Token]) -> Any:
    """Convert the words of an option to its declared type; whole numbers may be written as ``10M``."""
    return convert(declared, tokens, converter=from_text)


app = App(
    name="monoglot",
    version=__version__,
    help="Give any Hugging Face transformer a vocabulary made for your language.",
    config=(fill_from_config,),
    suppress_keyboard_interrupt=False,  # `main` says that the work can be resumed
    default_parameter=Parameter(
        negative=(), consume_multiple=True, show_default=shown_default, converter=by_declared_type
    ),
)
app.register_install_completion_command(
    help="Let your shell complete commands and options (bash, zsh, fish)."
)


def finite(value: Any) -> Any:
    """Replace NaN and infinity by ``null``: JSON has no numbers for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Display:
    """What is shown.

    Attributes:
        as_json: Print the result as JSON.
        quiet: Print nothing but warnings, errors and what --json asks for.
        config: File of options in TOML or YAML, such as OUT/monoglot/run.toml, which every run writes;
            options on the command line override it.
    """

    as_json: Annotated[bool, Parameter(name="--json")] = False
    quiet: bool = False
    config: Path | None = None

    @property
    def progress(self) -> Progress:
        """Where to show how far the work is."""
        return SILENT if self.quiet else Terminal()


Shown = Annotated[Display, Parameter(name="*", group=OUTPUT)]
PLAIN = Display()
OutputFolder = Annotated[Path, Parameter(name=["--output", "-o", "--output-dir"], group=OUTPUT)]


def present(result: Result, function: str, display: Display) -> None:
    """Print a result as JSON, or by one of the functions of `show`."""
    if display.as_json:
        plain = finite(result.to_dict())
        print(json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False))  # noqa: T201 - the output
    if display.as_json or display.quiet:
        return
    from monoglot.cli import show

    console = Console()
    for part in getattr(show, function)(result):
        console.print(part, highlight=False, soft_wrap=is_whole(part, console.is_terminal))


def is_whole(part: RenderableType, on_terminal: bool) -> bool:
    """Tell whether the lines of a part are printed as long as they are.

    On a terminal, sentences break between words; commands, which are indented, stay whole to be copied, and
    so does everything that goes into a file or another program.
    """
    return isinstance(part, str) and not (on_terminal and "\n  " not in f"\n{part}")
