"""What does a function answer to a keyword that it does not have, or to settings of another class?

The functions of the Python interface take settings as one object (`Settings`, `TrainingSettings` …), which
type checkers and editors know. Who gives a field of it as a keyword is told what to write.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from monoglot.errors import did_you_mean

P = ParamSpec("P")
R = TypeVar("R")
Kinds = Mapping[str, type]
"""The classes of a function's settings, by the names of its parameters."""


def explains_keywords(**settings: type) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function say what to write in place of a keyword that it does not have; used as a decorator.

    Args:
        **settings: The class of each parameter that takes settings.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **given: P.kwargs) -> R:
            unknown = {name: value for name, value in given.items() if name not in signature.parameters}
            name = f"{function.__name__}()"
            if unknown:
                raise TypeError(f"{name} has no argument {_answer(unknown, signature, settings)}")
            arguments = signature.bind_partial(*args, **given).arguments
            for parameter, kind in settings.items():
                value = arguments.get(parameter)
                if value is not None and not isinstance(value, kind):
                    raise TypeError(
                        f"{name} takes {_a(kind)} as {parameter}, got {_a(type(value))}: "
                        f"{_instead(value, parameter, settings)}"
                    )
            return function(*args, **given)

        return call

    return decorated


def _answer(unknown: Mapping[str, Any], signature: inspect.Signature, settings: Kinds) -> str:
    """Say what to write in place of keywords: settings, where all are fields of some."""
    name = next(
        (each for each in unknown if not any(_is_field(each, kind) for kind in settings.values())), ""
    )
    if not name:
        written = ", ".join(_written(unknown, settings))
        several = " and ".join(map(repr, unknown))
        return f"{several}, which {'are settings' if len(unknown) > 1 else 'is a setting'}: give {written}"
    homes = {each.name: kind for kind in settings.values() for each in fields(kind)}
    near = get_close_matches(name, [*signature.parameters, *homes], n=1)
    if near and near[0] in homes:
        return f"{name!r}: did you mean {near[0]!r}, a field of {homes[near[0]].__name__}?"
    return f"{name!r}: {did_you_mean(name, signature.parameters)}"


def _written(unknown: Mapping[str, Any], settings: Kinds) -> Iterator[str]:
    """The settings that have the fields, as Python."""
    left = dict(unknown)
    for parameter, kind in settings.items():
        own = {name: left.pop(name) for name in list(left) if _is_field(name, kind)}
        if own:
            values = ", ".join(f"{name}={value!r}" for name, value in own.items())
            yield f"{parameter}={kind.__name__}({values})"


def _instead(value: object, parameter: str, settings: Kinds) -> str:
    """Say what to write in place of settings of another class."""
    for other, kind in settings.items():
        if isinstance(value, kind):
            return f"give it as {other}=…"
    cls = settings[parameter].__name__
    return f"give {cls}(**…)" if isinstance(value, Mapping) else f"give {cls}(…)"


def _is_field(name: str, kind: type) -> bool:
    return any(each.name == name for each in fields(kind))


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOUaeiou' else 'a'} {kind.__name__}"
