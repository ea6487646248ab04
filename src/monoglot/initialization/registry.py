"""Initialisation methods by name: the modules of `methods/`, and those that other packages register."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from monoglot.errors import SettingError, did_you_mean
from monoglot.initialization import methods
from monoglot.initialization.base import Initializer
from monoglot.options import build

ENTRY_POINTS = "monoglot.methods"
"""Group in which another package names modules that register methods."""

_registered: dict[str, type[Initializer]] = {}


def register(name: str) -> Callable[[type[Initializer]], type[Initializer]]:
    """Make a method known by a name; used as a decorator on its class.

    Raises:
        ValueError: If the name is taken.
    """

    def add(cls: type[Initializer]) -> type[Initializer]:
        if name in _registered:
            raise ValueError(f"two initialisation methods are called {name!r}")
        _registered[name] = cls
        return cls

    return add


@cache
def _load() -> None:
    """Import every module that registers a method."""
    for module in pkgutil.iter_modules(methods.__path__):
        import_module(f"{methods.__name__}.{module.name}")
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()


def method_names() -> list[str]:
    """The names of all methods, in alphabetical order."""
    _load()
    return sorted(_registered)


def get_method(name: str, options: Mapping[str, Any] | None = None) -> Initializer:
    """Make the method of the given name.

    Args:
        name: Its name, such as ``focus``.
        options: Its settings, by the names of its fields.

    Raises:
        SettingError: If there is no such method, or it has no such option.
    """
    _load()
    if name not in _registered:
        raise SettingError(f"unknown method '{name}': {did_you_mean(name, _registered)}")
    return build(_registered[name], options or {}, f"method '{name}'")
