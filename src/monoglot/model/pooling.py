"""How a sentence-transformers folder says that its model makes sentence vectors."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from monoglot.errors import ModelError


class Pooling(StrEnum):
    """Ways from the hidden states of a text to one vector; named as in sentence-transformers."""

    MEAN = "mean"
    CLS = "cls"
    LAST_TOKEN = "lasttoken"


_OLD_NAMES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_WITHOUT_EFFECT = ("Transformer", "Pooling", "Normalize")


def read_pooling(folder: Path) -> Pooling:
    """Read how a model pools; the mean where nothing says otherwise.

    Raises:
        ModelError: If it pools in a way that monoglot doesn't know, or has more layers behind it.
    """
    modules = _read(folder / "modules.json") or []
    kinds = {str(module["type"]).rpartition(".")[2]: folder / module["path"] for module in modules}
    if other := [kind for kind in kinds if kind not in _WITHOUT_EFFECT]:
        raise ModelError(
            f"{folder} makes sentence vectors with a module {other[0]}, which monoglot does not run; "
            f"expected {', '.join(_WITHOUT_EFFECT)} and no other."
        )
    settings = (_read(kinds["Pooling"] / "config.json") or {}) if "Pooling" in kinds else {}
    names = settings.get("pooling_mode")
    if names is None:  # files of older versions have a flag for each way
        names = [flag for flag, on in settings.items() if flag.startswith("pooling_mode_") and on] or "mean"
    names = [names] if isinstance(names, str) else names
    names = [_OLD_NAMES.get(name, name.removeprefix("pooling_mode_")) for name in names]
    if len(names) > 1 or names[0] not in set(Pooling):
        raise ModelError(
            f"{folder} pools by {' and '.join(names)}, which monoglot does not do; "
            f"expected {' or '.join(Pooling)}."
        )
    return Pooling(names[0])


def read_prefix(folder: Path) -> str:
    """Read what a sentence-transformers folder puts before each sentence unless told otherwise."""
    settings = _read(folder / "config_sentence_transformers.json") or {}
    return str((settings.get("prompts") or {}).get(settings.get("default_prompt_name"), ""))


def _read(file: Path) -> Any:
    """The content of a JSON file; none if it isn't there."""
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError as error:
        raise ModelError(f"{file} can't be read ({error}): fetch the model again.") from error
