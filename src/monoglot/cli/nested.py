"""Which keys do options such as ``--method-options`` have? Their list is kept in a file, for a quick help."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from importlib.resources import files
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Keys = Mapping[str, Mapping[str, Sequence[str]]]
"""The keys of each option, for each class that it may be for ("": for one only), with types and defaults."""

FILE = files("monoglot.cli") / "nested_options.json"
"""Written by ``python -m benchmarks.command_line``: to import all methods and engines takes seconds."""

FOR = {
    "method-options": "--method",
    "vectors-options": "--vectors",
    "objective-options": "--objective",
    "adapt-options": "",
}
"""Options with keys, and the option on which these depend."""


def read_keys() -> Keys:
    """Read the list."""
    found: Keys = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def epilogue(*options: str) -> str:
    """Write the keys of some options for the end of a command's help, in Markdown.

    Args:
        options: Options of `FOR`, without dashes.
    """
    keys, parts = read_keys(), []
    for option in options:
        depends = f", by {FOR[option]}" if FOR[option] else ""
        parts.append(f"**Keys of --{option}**, given as --{option}.KEY VALUE{depends}:")
        lines = [
            f"- {f'{name}: ' if name else ''}{', '.join(listed) or 'none'}"
            for name, listed in keys[option].items()
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def keys_of(cls: type) -> list[str]:
    """List the fields of a dataclass as keys, each with its type and default.

    Args:
        cls: The dataclass.
    """
    hints, keys = get_type_hints(cls), []
    for field in fields(cls):
        if field.init:
            default = field.default_factory() if field.default_factory is not MISSING else field.default
            keys.append(f"{field.name.replace('_', '-')} {kind(hints[field.name])}{_default(default)}")
    return keys


def kind(hint: Any) -> str:
    """Name a type as the help does: INT, FLOAT, STR, true|false, the choices, or with dots for several."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(kind(each) for each in inner if each is not NoneType)
    if origin is Literal:
        return "|".join(map(str, inner))
    if origin in (tuple, list):
        return f"{kind(inner[0])}..."
    if origin is dict:
        return "KEYS"
    return "true|false" if hint is bool else str(hint.__name__).upper()


def _default(value: Any) -> str:
    """Write a default in brackets; that it has to be given where there is none."""
    if value is MISSING:
        return " (required)"
    if value is None or value in ((), [], {}, ""):
        return ""
    return f" [{str(value).lower() if isinstance(value, bool) else value}]"
