"""Packages that only some tasks need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from monoglot.errors import SettingError


def need(module: str, task: str) -> Any:
    """Import a module of a package that the base installation leaves out.

    Raises:
        SettingError: If it isn't installed.
    """
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise SettingError(
            f"the task '{task}' needs the package {package}, which is not installed: "
            "run `pip install 'monoglot[tasks]'`."
        ) from None
