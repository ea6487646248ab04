"""Sentence vectors: how a sentence-transformers folder says that they are made, and making them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from monoglot.errors import ModelError
from monoglot.model.side_files import MODULES, sentence_modules, transformer_folder
from monoglot.untrusted import read_foreign_json


class Pooling(StrEnum):
    """Ways from the hidden states of a text to one vector; named as in sentence-transformers."""

    MEAN = "mean"
    CLS = "cls"
    LAST_TOKEN = "lasttoken"


TRANSFORMER_SETTINGS = "sentence_*_config.json"
PROMPTS = "config_sentence_transformers.json"
_OLD_NAMES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_WITHOUT_EFFECT = ("Transformer", "Pooling", "Normalize")


def read_pooling(folder: Path) -> Pooling:
    """Read how a model pools; the mean where nothing says otherwise.

    Raises:
        ModelError: If it pools in a way that monoglot doesn't know, or has more layers behind it.
    """
    kinds = {kind.rpartition(".")[2]: path for kind, path in sentence_modules(folder)}
    if other := [kind for kind in kinds if kind not in _WITHOUT_EFFECT]:
        raise ModelError(
            f"{folder} makes sentence vectors with a module {other[0]}, which monoglot does not run; "
            f"expected {', '.join(_WITHOUT_EFFECT)} and no other."
        )
    settings = _read(kinds["Pooling"] / "config.json") if "Pooling" in kinds else {}
    names = settings.get("pooling_mode")
    if names is None:  # files of older versions have a flag for each way
        names = [flag for flag, on in settings.items() if flag.startswith("pooling_mode_") and on] or "mean"
    names = [names] if isinstance(names, str) else names
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise ModelError(
            f"{folder} has the pooling_mode {names!r}; expected a name such as 'mean': correct it."
        )
    names = [_OLD_NAMES.get(name, name.removeprefix("pooling_mode_")) for name in names]
    if len(names) > 1 or names[0] not in set(Pooling):
        raise ModelError(
            f"{folder} pools by {' and '.join(names)}, which monoglot does not do; "
            f"expected {' or '.join(Pooling)}."
        )
    return Pooling(names[0])


def reads_lower_case(folder: Path) -> bool:
    """Whether sentence-transformers puts every text into lower case before the tokenizer sees it."""
    files = [
        file for place in (folder, transformer_folder(folder)) for file in place.glob(TRANSFORMER_SETTINGS)
    ]
    return any(_read(file).get("do_lower_case") is True for file in files)


def read_prefix(folder: Path) -> str:
    """Read what a sentence-transformers folder puts before each sentence unless told otherwise."""
    prompts, default = _prompts(_read(folder / PROMPTS), folder / PROMPTS)
    return str(prompts.get(default, ""))


def write_prefix(folder: Path, prefix: str) -> str:
    """Have a sentence-transformers folder put a prefix before each sentence unless told otherwise.

    Other prompts stay as they are, and so does all else in its configuration.

    Args:
        folder: The folder; one that is not of sentence-transformers stays as it is.
        prefix: The prefix.

    Returns:
        What the configuration said otherwise before, in a sentence; empty if it said nothing else.

    Raises:
        ModelError: If the configuration is damaged.
    """
    if not (folder / MODULES).is_file():
        return ""
    file = folder / PROMPTS
    settings = _read(file)
    prompts, default = _prompts(settings, file)
    name = next((name for name, text in prompts.items() if text == prefix), _prompt_name(prefix))
    before = {"the default prompt": prompts.get(default), f"the prompt {name!r}": prompts.get(name)}
    said = next((f"{what} was {text!r}" for what, text in before.items() if text and text != prefix), "")
    changed = settings | {"prompts": prompts | {name: prefix}, "default_prompt_name": name}
    file.write_text(json.dumps(changed, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return f"{said}, but the model was trained with {prefix!r}: that is its default now" if said else ""


def _prompt_name(prefix: str) -> str:
    """A name for a prefix: its word, if it is one, as in ``query: ``."""
    word = re.fullmatch(r"\s*(\w+)\W*", prefix)
    return word[1].lower() if word else "default"


def _prompts(settings: Mapping[str, Any], file: Path) -> tuple[dict[str, Any], str]:
    prompts, default = settings.get("prompts") or {}, settings.get("default_prompt_name")
    if not isinstance(prompts, dict) or not isinstance(default, str | None):
        raise ModelError(
            f"{file} has prompts that are no object, or a name of the default that is no text: correct it."
        )
    return prompts, default or ""


def _read(file: Path) -> dict[str, Any]:
    """The content of a JSON file; nothing if it isn't there."""
    settings: dict[str, Any] = read_foreign_json(file, ModelError) if file.exists() else {}
    return settings


PADDING = -1
"""The segment of tokens that belong to none."""


def pool_segments(
    hidden: Float[Tensor, "rows tokens dim"],
    segments: Int64[Tensor, "rows tokens"],
    positions: Int64[Tensor, "rows tokens"],
    pooling: Pooling,
    *,
    count: int,
) -> Float[Tensor, "segments dim"]:
    """Compute the vector of each segment of packed rows, scaled to length one, in float32.

    Args:
        hidden: Last hidden states.
        segments: Number of the segment that each token belongs to; ``PADDING`` for none.
        positions: Position of each token in its segment.
        pooling: How states become one vector.
        count: Number of segments.
    """
    counted = segments != PADDING
    if pooling is Pooling.CLS:
        counted &= positions == 0
    elif pooling is Pooling.LAST_TOKEN:
        following = torch.nn.functional.pad(segments[:, 1:], (0, 1), value=PADDING)
        counted &= segments != following
    owner, states = segments[counted], hidden[counted].float()
    # The mean and the sum point the same way.
    sums = torch.zeros(count, hidden.shape[-1], dtype=torch.float32, device=hidden.device)
    return torch.nn.functional.normalize(sums.index_add(0, owner, states), dim=-1)


def pool_rows(
    hidden: Float[Tensor, "rows tokens dim"], mask: Tensor, pooling: Pooling
) -> Float[Tensor, "rows dim"]:
    """Compute the vector of each row, scaled to length one, in float32.

    Args:
        hidden: Last hidden states, one text a row.
        mask: 1 or true where there is text; padding may be on either side.
        pooling: How states become one vector.
    """
    mask = mask.bool()
    rows = torch.arange(len(mask), device=hidden.device)[:, None].expand(mask.shape)
    positions = mask.long().cumsum(dim=1) - 1
    return pool_segments(hidden, rows.masked_fill(~mask, PADDING), positions, pooling, count=len(mask))


Vectors = TypeVar("Vectors", np.ndarray, Tensor)


def cosines(first: Vectors, second: Vectors) -> Vectors:
    """Compute the cosine of vectors of length one, row by row; 1 minus it is their distance."""
    products: Vectors = (first * second).sum(-1)
    return products
