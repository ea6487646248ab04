"""Settings that a user gives by name, for objects that are chosen by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args, get_type_hints

from monoglot.errors import SettingError, did_you_mean

T = TypeVar("T")


def build(cls: type[T], options: Mapping[str, Any], owner: str) -> T:
    """Make a dataclass from options that may come from a command line.

    Args:
        cls: A dataclass; a field without a default is an option that has to be given.
        options: Values by field name, with ``-`` or ``_``; text becomes a number where the field is one.
        owner: What the options belong to, for messages.

    Raises:
        SettingError: If there is no such option, its value is of the wrong kind, or one without a default is
            absent.
    """
    settable = [field for field in fields(cls) if field.init]  # type: ignore[arg-type]  # see Args
    defaults = {field.name: field.default for field in settable}
    values: dict[str, Any] = {}
    for given, value in options.items():
        name = given.replace("-", "_")
        if name not in defaults:
            hint = did_you_mean(name, defaults) if defaults else "it has none."
            raise SettingError(f"{owner} has no option '{given}': {hint}")
        kind = number_kind(cls, name)
        if kind is None or not isinstance(value, str):
            values[name] = value
            continue
        try:
            values[name] = kind(value)
        except ValueError:
            raise SettingError(
                f"option '{given}' of {owner} is a number ({kind.__name__}), got '{value}'"
            ) from None
    for field in settable:
        if field.default is field.default_factory is MISSING and field.name not in values:
            raise SettingError(
                f"{owner} needs the option '{field.name}', which has no default: give it a value"
            )
    return cls(**values)


def number_kind(cls: type, name: str) -> type[int] | type[float] | None:
    """The kind of number that a dataclass's field holds, if any, such as float for ``float | None``."""
    hint = get_type_hints(cls)[name]
    return next((kind for kind in (int, float) if kind in (hint, *get_args(hint))), None)
