"""Settings as the words of a command line that asks for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from monoglot.pipeline.adapt_settings import AdaptSettings
from monoglot.pipeline.compare_settings import CompareSettings
from monoglot.pipeline.settings import Settings
from monoglot.training.schedule import TrainingSettings

AnySettings = Settings | AdaptSettings | CompareSettings | TrainingSettings


def flags(values: Mapping[str, Any], defaults: AnySettings) -> list[str]:
    """The options that are not as they are by default.

    Args:
        values: Settings by name, as a manifest has them.
        defaults: The same settings as they are by default.
    """
    words: list[str] = []
    for field in dataclasses.fields(defaults):
        value, default = values.get(field.name), getattr(defaults, field.name)
        flag = f"--{field.name.replace('_', '-')}"
        if isinstance(value, dict):
            parts = ((f"{flag}.{key.replace('_', '-')}", str(each)) for key, each in value.items())
            words += [word for part in parts for word in part]
        elif isinstance(value, list | tuple):
            words += [flag, *map(str, value)] if list(value) != list(default) else []
        elif value is True and not default:
            words.append(flag)
        elif value is not None and value != default:
            words += [flag, str(value)]
    return words
