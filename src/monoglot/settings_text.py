"""How are settings written: as the words of a command line, or as a file that ``--config`` reads?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monoglot.options import field_names
from monoglot.settings import AdaptSettings, CompareSettings, RunSettings, Settings
from monoglot.training.schedule import TrainingSettings

PLAIN_KEY = re.compile("[A-Za-z0-9_-]+")

AnySettings = RunSettings | Settings | AdaptSettings | CompareSettings | TrainingSettings


def command_line_options(values: Mapping[str, Any], defaults: AnySettings) -> list[str]:
    """Give the command-line options that differ from the defaults.

    Args:
        values: Settings by name, as a manifest has them.
        defaults: The same settings as they are by default.
    """
    words: list[str] = []
    for field_name in field_names(type(defaults)):
        value, default = values.get(field_name), getattr(defaults, field_name)
        flag = f"--{option(field_name)}"
        if isinstance(value, dict):
            parts = ((f"{flag}.{option(key)}", str(item)) for key, item in value.items())
            words += [word for part in parts for word in part]
        elif isinstance(value, list | tuple):
            words += [flag, *map(str, value)] if list(value) != list(default) else []
        elif value is True and not default:
            words.append(flag)
        elif value is not None and value != default:
            words += [flag, str(value)]
    return words


def option(name: str) -> str:
    """Write the name of a setting as a command line has it, without the dashes before it."""
    return name.replace("_", "-")


def run_file(command: str, inputs: Mapping[str, str | Sequence[str]], *settings: AnySettings) -> str:
    """Write a run as a TOML file: what it was given, and every setting, defaults too.

    What is left open (``None``, no items) is left out: TOML has no word for it.

    Args:
        command: The command.
        inputs: Its arguments by name, such as ``source`` and ``corpus``.
        settings: All of its settings.
    """
    values = {"command": command, **inputs}
    for each in settings:
        values |= {option(name): getattr(each, name) for name in field_names(type(each))}
    plain = {name: value for name, value in values.items() if not isinstance(value, Mapping)}
    tables = {name: value for name, value in values.items() if isinstance(value, Mapping) and value}
    lines = [
        f"# Repeats this run: monoglot {command} --config THIS_FILE --output OTHER",
        "# Relative paths start where the command is run. Options of the command line come before these.",
        *_lines(plain),
    ]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_lines(table)]
    return "".join(f"{line}\n" for line in lines)


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    """Lines of one table."""
    for name, value in values.items():
        if value is not None and value != () and value != []:
            yield f"{name if PLAIN_KEY.fullmatch(name) else _text(name)} = {_value(value)}"


def _value(value: Any) -> str:
    """Write one value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _text(str(value))


def _text(text: str) -> str:
    """Write a string: as JSON does, but for the one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
