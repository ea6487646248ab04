"""The safetensors files of a model folder."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from monoglot.errors import ModelError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, in the order of their names.

    Raises:
        ModelError: If there are none, or one that the index names is missing.
    """
    if (folder / INDEX).is_file():
        shards = _shards(folder / INDEX)
        files = [folder / Path(shard).name for shard in shards]
    else:
        files = [folder / WEIGHTS]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is None:
        return files
    if pickles := sorted(folder.glob("*.bin")):
        raise ModelError(
            f"The weights in {pickles[0]} are a pickle, which may run code; expected {missing.name}: "
            "convert them once with from_pretrained() and save_pretrained() of transformers."
        )
    raise ModelError(f"{folder} has no {missing.name}; expected the model's weights: fetch it again.")


def _shards(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{index} can't be read ({error}): fetch the model again.") from error


def names_in(file: Path) -> list[str]:
    """The names of the tensors in a safetensors file.

    Raises:
        ModelError: If the file is damaged.
    """
    try:
        with safe_open(file, framework="pt") as weights:
            return list(weights.keys())
    except SafetensorError as error:
        raise ModelError(f"{file} is damaged ({error}): fetch the model again.") from error
