"""Classes that users choose by name, registered by the modules of a package."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from monoglot.errors import SettingError, did_you_mean
from monoglot.options import build

T = TypeVar("T")
Class = TypeVar("Class", bound=type)


class Registry(Generic[T]):
    """Classes of one kind by name; their modules are imported when a name is first asked for.

    Attributes:
        kind: What one of them is called in messages.
        group: Entry-point group in which another package names modules that register some; "" for none.
    """

    def __init__(self, kind: str, package: str, group: str = "") -> None:
        """Begin one.

        Args:
            kind: What one of them is called in messages, such as ``method``.
            package: The package whose modules each register one.
            group: The entry-point group for those of other packages.
        """
        self.kind, self.group = kind, group
        self._package = package
        self._classes: dict[str, type[T]] = {}
        self._is_loaded = False

    def make(self, name: str, options: Mapping[str, Any] | None = None) -> T:
        """Make an object of the class with the given name.

        Args:
            name: The name.
            options: Values of its fields, by name; text becomes what a field is declared to be.

        Raises:
            SettingError: If there is no such class, or it has no such option.
        """
        return build(self[name], options or {}, f"{self.kind} '{name}'")

    def register(self, name: str) -> Callable[[Class], Class]:
        """Make a class known by a name; used as a decorator.

        A class of the same name and module replaces the earlier one: a notebook's cell may run again.

        Raises:
            ValueError: If the name is taken by another.
        """

        def add(cls: Class) -> Class:
            before = self._classes.get(name, cls)
            if (before.__module__, before.__qualname__) != (cls.__module__, cls.__qualname__):
                raise ValueError(f"the {self.kind} {name!r} is registered twice")
            self._classes[name] = cls
            return cls

        return add

    def forget(self, name: str) -> None:
        """Make a class unknown again."""
        self._classes.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        """The names, in alphabetical order."""
        self._load()
        return iter(sorted(self._classes))

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._classes

    def __getitem__(self, name: str) -> type[T]:
        """The class of the given name.

        Raises:
            SettingError: If there is none.
        """
        if name not in self:
            raise SettingError(f"unknown {self.kind} '{name}': {did_you_mean(name, self._classes)}")
        return self._classes[name]

    def _load(self) -> None:
        if self._is_loaded:
            return
        package = import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{self._package}.{module.name}")
        for entry in entry_points(group=self.group) if self.group else ():
            entry.load()
        self._is_loaded = True
