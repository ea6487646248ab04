"""Initialization methods by name: the modules of `methods/`, and those that other packages register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monoglot.initialization.initialize import Initializer
from monoglot.registry import Registry

METHODS: Registry[Initializer] = Registry("method", "monoglot.initialization.methods", "monoglot.methods")
register = METHODS.register


def method_names() -> list[str]:
    """The names of all methods, in alphabetical order."""
    return list(METHODS)


def get_method(name: str, options: Mapping[str, Any] | None = None) -> Initializer:
    """Make the method of the given name with some options; see `Registry.make`."""
    return METHODS.make(name, options)
