"""The application that commands are registered with, and how their results are shown."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from cyclopts import App, Parameter, Token, convert
from rich.console import Console

from monoglot import __version__
from monoglot.options import from_text
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


def present(result: Result, display: str, *, as_json: bool) -> None:
    """Print a result as JSON, or by one of the functions of `show`."""
    if as_json:
        plain = finite(result.to_dict())
        print(json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False))  # noqa: T201 - the output
        return
    from monoglot.cli import show

    console = Console()
    for part in getattr(show, display)(result):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))
