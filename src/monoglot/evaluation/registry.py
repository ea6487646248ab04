"""Tasks by name: the modules of `tasks/`, and those that other packages register."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TypeVar

from monoglot.errors import SettingError, did_you_mean
from monoglot.evaluation import tasks
from monoglot.evaluation.task import EncoderTask, TrainedTask

ENTRY_POINTS = "monoglot.tasks"
"""Group in which another package names modules that register tasks."""

AnyTask = TrainedTask | EncoderTask
Class = TypeVar("Class", bound=type)
_registered: dict[str, Callable[[], AnyTask]] = {}


def register(name: str) -> Callable[[Class], Class]:
    """Make a task known by a name; used as a decorator on its class.

    Raises:
        ValueError: If the name is taken.
    """

    def add(cls: Class) -> Class:
        if name in _registered:
            raise ValueError(f"two tasks are called {name!r}")
        _registered[name] = cls
        return cls

    return add


@cache
def _load() -> None:
    """Import every module that registers a task."""
    for module in pkgutil.iter_modules(tasks.__path__):
        import_module(f"{tasks.__name__}.{module.name}")
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()


def task_names() -> list[str]:
    """The names of all tasks, in alphabetical order."""
    _load()
    return sorted(_registered)


def get_task(name: str) -> AnyTask:
    """Make the task of the given name.

    Raises:
        SettingError: If there is none.
    """
    _load()
    if name not in _registered:
        raise SettingError(f"unknown task '{name}': {did_you_mean(name, _registered)}")
    return _registered[name]()
