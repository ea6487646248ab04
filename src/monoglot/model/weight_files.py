"""The safetensors files of a model folder."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open

from monoglot.errors import ModelError
from monoglot.untrusted import read_foreign_json, refusing

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, in the order of their names.

    Raises:
        ModelError: If there are none, or one that the index names is missing.
    """
    shards = _shards(folder / INDEX) if (folder / INDEX).is_file() else []
    # Where both are there, transformers reads the single file.
    whole = (folder / WEIGHTS).is_file() or not shards
    files = [folder / name for name in ([WEIGHTS] if whole else shards)]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is None:
        return files
    if pickles := sorted(folder.glob("*.bin")):
        raise ModelError(
            f"The weights in {pickles[0]} are a pickle, which may run code; expected {missing.name}: "
            "convert them once with from_pretrained() and save_pretrained() of transformers."
        )
    raise ModelError(
        f"{folder} has no {missing.name}; expected the weights in safetensors: give the folder that has "
        "them, or write them with save_pretrained()."
    )


def _shards(index: Path) -> list[str]:
    """The files that an index names, each of them beside it."""
    shards = read_foreign_json(index, ModelError).get("weight_map")
    if not (isinstance(shards, dict) and shards and all(isinstance(name, str) for name in shards.values())):
        raise ModelError(
            f"{index} has no weight_map that gives a file for each tensor: correct it or get it again."
        )
    names = sorted(set(shards.values()))
    for name in names:
        if Path(name).name != name or "\\" in name or "\0" in name or not name.endswith(".safetensors"):
            raise ModelError(
                f"{index} names {name!r}; expected names of safetensors files that lie beside it: move the "
                "files there and correct the index."
            )
    return names


def names_in(file: Path) -> list[str]:
    """The names of the tensors in a safetensors file.

    Raises:
        ModelError: If the file is damaged.
    """
    with refusing(ModelError, f"{file} is damaged", "get the model again"), safe_open(file, "pt") as weights:
        return list(weights.keys())
