"""Engines by name: the modules of `engines/`, those that other packages register, and files of vectors."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from monoglot.errors import SettingError, did_you_mean
from monoglot.options import build
from monoglot.vectors import engines
from monoglot.vectors.base import Engine
from monoglot.vectors.file import SUFFIXES, VectorsFile

ENTRY_POINTS = "monoglot.vectors"
"""Group in which another package names modules that register engines."""

EngineClass = TypeVar("EngineClass", bound=type[Engine])

_registered: dict[str, type[Engine]] = {}


def engine(name: str) -> Callable[[EngineClass], EngineClass]:
    """Make an engine known by a name; used as a decorator on its class, a frozen dataclass.

    Raises:
        ValueError: If the name is taken.
    """

    def add(cls: EngineClass) -> EngineClass:
        if name in _registered:
            raise ValueError(f"two engines of auxiliary vectors are called {name!r}")
        _registered[name] = cls
        return cls

    return add


@cache
def _load() -> None:
    """Import every module that registers an engine."""
    for module in pkgutil.iter_modules(engines.__path__):
        import_module(f"{engines.__name__}.{module.name}")
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()


def engine_names() -> list[str]:
    """The names of all engines, in alphabetical order."""
    _load()
    return sorted(_registered)


def get_engine(name: str, options: Mapping[str, Any] | None = None) -> Engine:
    """Make the engine of the given name, or the one that reads the file of the given path.

    Args:
        name: A name, such as ``fasttext``, or the path of a .safetensors, .npy or .vec file.
        options: The engine's settings, by the names of its fields.

    Raises:
        SettingError: There is no such engine, or it has no such option.
        VectorsError: There is no such file.
    """
    _load()
    if name in _registered:
        return build(_registered[name], options or {}, f"the engine '{name}'")
    if Path(name).suffix in SUFFIXES:
        if options:
            raise SettingError(f"a file of vectors has no options; got {', '.join(options)} for {name}")
        return VectorsFile.at(Path(name))
    raise SettingError(
        f"unknown vectors '{name}' (a file would end in {' or '.join(SUFFIXES)}): "
        f"{did_you_mean(name, _registered)}"
    )
