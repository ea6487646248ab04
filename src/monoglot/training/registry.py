"""Objectives by name: the modules of `objectives/`; which one suits a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedModel

from monoglot.errors import SettingError
from monoglot.registry import Registry
from monoglot.training.objective import Objective

OBJECTIVES: Registry[Objective] = Registry("objective", "monoglot.training.objectives")
register = OBJECTIVES.register


def get_objective(name: str, options: Mapping[str, Any] | None = None) -> Objective:
    """Make the objective of the given name with some options; see `Registry.make`."""
    return OBJECTIVES.make(name, options)


def choose_objective(model: PreTrainedModel, *, has_teacher: bool) -> str:
    """Choose the objective that suits a model best.

    Args:
        model: The model; may lie on the meta device.
        has_teacher: Whether there is a model to match.

    Raises:
        SettingError: If none fits.
    """
    preferences = ((OBJECTIVES[name].preference, name) for name in OBJECTIVES)
    ranked = sorted((preference, name) for preference, name in preferences if preference is not None)
    reasons = []
    for _, name in ranked:
        reason = OBJECTIVES[name]().why_unsuitable(model, has_teacher=has_teacher)
        if reason is None:
            return name
        reasons.append(f"{name} {reason}")
    raise SettingError(f"no objective fits {type(model).__name__}: {'; '.join(reasons)}")


def check_objective(name: str, objective: Objective, model: PreTrainedModel, *, has_teacher: bool) -> None:
    """Refuse an objective that does not fit a model.

    Raises:
        SettingError: If it does not, with the reason and the one that would.
    """
    reason = objective.why_unsuitable(model, has_teacher=has_teacher)
    if reason is None:
        return
    try:
        instead = f": use --objective {choose_objective(model, has_teacher=has_teacher)}"
    except SettingError:
        instead = ""
    raise SettingError(f"the objective '{name}' {reason}{instead}")
