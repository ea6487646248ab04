"""Content hashes of files and settings, which decide whether a stage is computed again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from monoglot.options import field_names

Json = Any
"""``None``, bool, int, float, text, or lists and dictionaries of these."""


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes (about 1.7 GB/s).

    Args:
        path: A regular file.

    Returns:
        64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_key(value: object) -> str:
    """The SHA-256 of settings, the same in every process and on every machine.

    Args:
        value: Anything that `canonical` accepts.

    Returns:
        64 hexadecimal digits.

    Raises:
        TypeError: If the value holds something without a canonical form.
    """
    text = json.dumps(canonical(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: object) -> Json:
    """Settings as plain JSON values.

    A dataclass carries a name, so that two kinds of settings with the same fields differ: that of its class,
    or its ``persisted_name`` if it had another name when run folders were first written. A path is refused:
    a key must not depend on where a file lies, and must change when its content does.

    Args:
        value: Dataclasses, mappings with text keys, sequences, sets, enums, text, numbers, ``None``.

    Returns:
        The same as dictionaries, lists, text, numbers and ``None``.

    Raises:
        TypeError: If the value holds something else.
    """
    if isinstance(value, Enum):
        return canonical(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {name: canonical(getattr(value, name)) for name in field_names(type(value))}
        return {getattr(value, "persisted_name", type(value).__name__): fields}
    if isinstance(value, Mapping):
        return {_text(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((canonical(item) for item in value), key=json.dumps)
    hint = "; give its file_hash instead" if isinstance(value, Path) else ""
    raise TypeError(f"{value!r} ({type(value).__name__}) can't be part of a content key{hint}.")


def _text(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"The key {key!r} of a mapping can't be part of a content key: it is not text.")
    return key
