"""Objectives by name: the modules of `objectives/`, and those that other packages register."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from transformers import PreTrainedModel

from monoglot.errors import SettingError, did_you_mean
from monoglot.options import build
from monoglot.training import objectives
from monoglot.training.objectives.base import Objective

ENTRY_POINTS = "monoglot.objectives"
"""Group in which another package names modules that register objectives."""

_registered: dict[str, type[Objective]] = {}


def register(name: str) -> Callable[[type[Objective]], type[Objective]]:
    """Make an objective known by a name; used as a decorator on its class.

    Raises:
        ValueError: If the name is taken.
    """

    def add(cls: type[Objective]) -> type[Objective]:
        if name in _registered:
            raise ValueError(f"two objectives are called {name!r}")
        _registered[name] = cls
        return cls

    return add


@cache
def _load() -> None:
    """Import every module that registers an objective."""
    for module in pkgutil.iter_modules(objectives.__path__):
        import_module(f"{objectives.__name__}.{module.name}")
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()


def objective_names() -> list[str]:
    """The names of all objectives, in alphabetical order."""
    _load()
    return sorted(_registered)


def get_objective(name: str, options: Mapping[str, Any] | None = None) -> Objective:
    """Make the objective of the given name.

    Args:
        name: Its name, such as ``mlm``.
        options: Its settings, by the names of its fields.

    Raises:
        SettingError: If there is no such objective, or it has no such option.
    """
    _load()
    if name not in _registered:
        raise SettingError(f"unknown objective '{name}': {did_you_mean(name, _registered)}")
    return build(_registered[name], options or {}, f"objective '{name}'")


def choose_objective(model: PreTrainedModel, *, has_teacher: bool) -> str:
    """The name of the objective that suits a model best.

    Args:
        model: The model; may lie on the meta device.
        has_teacher: Whether there is a model to match.

    Raises:
        SettingError: If none fits.
    """
    _load()
    ranked = sorted((cls.preference, name) for name, cls in _registered.items() if cls.preference is not None)
    reasons = []
    for _, name in ranked:
        reason = _registered[name]().misfit(model, has_teacher=has_teacher)
        if reason is None:
            return name
        reasons.append(f"{name} {reason}")
    raise SettingError(f"no objective fits {type(model).__name__}: {'; '.join(reasons)}")


def check_objective(name: str, objective: Objective, model: PreTrainedModel, *, has_teacher: bool) -> None:
    """Refuse an objective that does not fit a model.

    Raises:
        SettingError: If it does not, with the reason and the one that would.
    """
    reason = objective.misfit(model, has_teacher=has_teacher)
    if reason is None:
        return
    try:
        instead = f": use --objective {choose_objective(model, has_teacher=has_teacher)}"
    except SettingError:
        instead = ""
    raise SettingError(f"the objective '{name}' {reason}{instead}")
