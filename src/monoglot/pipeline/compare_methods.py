"""The methods that `compare` is asked for, and the controls among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from monoglot.errors import SettingError
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import get_method

CONTROLS = ("subword", "random")
"""Methods that are compared whether they are asked for or not."""


@dataclass(frozen=True)
class Chosen:
    """A method with its options.

    Attributes:
        name: What it is called in tables: as the user wrote it, of paths only the last part.
        method: Its name in the registry.
        options: Its options as given.
        initializer: The method itself.
    """

    name: str
    method: str
    options: dict[str, str]
    initializer: Initializer

    @classmethod
    def read(cls, word: str) -> Self:
        """Read ``name:option=value:option=value``; a value may have colons, as paths do.

        Raises:
            SettingError: If an option has no value, or there is no such method or option.
        """
        name, *parts = re.split(r":(?=[\w-]+=)", word)
        options = dict(part.split("=", 1) for part in parts)
        if empty := [option for option, value in options.items() if not value]:
            raise SettingError(f"the option '{empty[0]}' of '{word}' has no value: give {empty[0]}=VALUE")
        return cls(word, name, options, get_method(name, options))

    @property
    def is_control(self) -> bool:
        """Whether it is there to be compared with."""
        return self.name in CONTROLS


def read_methods(given: Sequence[str]) -> tuple[Chosen, ...]:
    """The methods asked for, then the controls.

    Args:
        given: Names with options, several in one text divided by commas.

    Raises:
        SettingError: If there is none, or one is unknown, named twice, or lacks something.
    """
    words = [word.strip() for text in given for word in text.split(",") if word.strip()]
    if not words:
        raise SettingError("got no method to compare: give some, as in --methods blend,focus")
    if twice := [word for word in words if words.count(word) > 1]:
        raise SettingError(f"'{twice[0]}' is named twice in --methods: name it once")
    chosen = [Chosen.read(word) for word in (*(word for word in words if word not in CONTROLS), *CONTROLS)]
    short = [without_folders(one.name) for one in chosen]
    return tuple(
        replace(one, name=name) if short.count(name) == 1 else one
        for one, name in zip(chosen, short, strict=True)
    )


def without_folders(word: str) -> str:
    """A method with its options, of paths only the last part: whole ones would fill the line."""
    return re.sub(r"(?<==)[^:]*/(?=[^/:]+(?::|$))", "", word)


def slug(name: str) -> str:
    """A name without characters that names of folders had better not have; different names stay different."""
    return re.sub(r"[^\w.=-]", lambda match: f"~{ord(match[0]):x}", name)
