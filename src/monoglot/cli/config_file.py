"""Options from a file: ``--config run.toml`` gives what the command line leaves open."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from cyclopts import App, Token
from cyclopts.argument import Argument, ArgumentCollection

from monoglot.errors import SettingError, did_you_mean, first_line

CONFIG = "--config"
COMMAND = "command"
"""The key that names the command a file is for; it may be absent."""


def read_config(path: Path) -> dict[str, Any]:
    """Read a file of options.

    Args:
        path: A TOML file, or YAML if its name ends in .yaml or .yml.

    Raises:
        SettingError: If it can't be read, or is no table of options by name.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text) if path.suffix.lower() in (".yaml", ".yml") else tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise SettingError(
            f"{CONFIG} {path} can't be read ({first_line(error)}): give a file of options in TOML, such as "
            "OUT/monoglot/run.toml of an earlier run, or in YAML"
        ) from error
    if not isinstance(content, Mapping):
        raise SettingError(f"{CONFIG} {path} is a {type(content).__name__}: give options by name")
    return {str(name): value for name, value in content.items()}


def fill_from_config(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give arguments that the command line leaves open the values of the file that ``--config`` names.

    Raises:
        SettingError: If the file is for another command, or has an option that the command does not.
    """
    named = {name: argument for argument in arguments if argument.parse for name in _names(argument)}
    given = named.get(_bare(CONFIG))
    if given is None or not given.tokens:
        return
    path = Path(given.tokens[-1].value)
    content = read_config(path)
    wanted = content.pop(COMMAND, None)
    if wanted not in (None, *commands):
        raise SettingError(f"{CONFIG} {path} is for monoglot {wanted}, got monoglot {' '.join(commands)}")
    for name, value in content.items():
        argument = named.get(_bare(name))
        if argument is None or argument is given:
            raise SettingError(f"{CONFIG} {path} has an option '{name}': {did_you_mean(name, named)}")
        if not argument.tokens:
            for token in _tokens(name, value, str(path)):
                argument.append(token)


def _names(argument: Argument) -> Iterator[str]:
    yield from (_bare(name) for name in argument.names if name != "*")


def _bare(name: str) -> str:
    """The name of an option, or of an argument, as a file may have it."""
    return name.lstrip("-").replace("_", "-").lower()


def _tokens(name: str, value: Any, source: str) -> Iterator[Token]:
    """What the command line would have had in place of a value of the file."""
    flag = f"--{name}"
    if isinstance(value, Mapping):
        for key, item in value.items():  # of any type, so that it stays what it is
            yield Token(keyword=f"{flag}.{key}", keys=(str(key),), implicit_value=item, source=source)
    elif isinstance(value, int | float):  # as it is: 1 stays a whole number
        yield Token(keyword=flag, implicit_value=value, source=source)
    else:
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            yield Token(keyword=flag, value=str(item), index=index, source=source)
