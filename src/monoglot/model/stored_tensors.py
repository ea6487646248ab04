"""The tensors in a model's files: their names, and whether they are those of the model's class."""

from __future__ import annotations

import logging
from copy import deepcopy
from pathlib import Path
from typing import Any

from safetensors import safe_open
from transformers import PreTrainedConfig, PreTrainedModel

from monoglot._hf import classes_for, loaded_name
from monoglot.errors import ModelError
from monoglot.model.tables import build_on_meta
from monoglot.model.whole_model import INDEX, WEIGHTS, check_weights
from monoglot.untrusted import read_foreign_json, refusing

logger = logging.getLogger(__name__)
_TASKS = (
    "PRETRAINING", "CAUSAL_LM", "MASKED_LM", "SEQ_TO_SEQ_CAUSAL_LM", "SEQUENCE_CLASSIFICATION",
    "TOKEN_CLASSIFICATION", "QUESTION_ANSWERING", "MULTIPLE_CHOICE", "NEXT_SENTENCE_PREDICTION",
)  # fmt: skip
# Older versions of transformers stored these counters with the weights.
_COUNTERS = ("position_ids",)
_OLD_NAMES = (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"))


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
    check_weights(folder)
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
                f"{index} names {name!r}; expected names of safetensors files in the same folder: move the "
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


def stored_names(structure: PreTrainedModel, files: list[Path]) -> dict[Path, dict[str, str | None]]:
    """Find the tensor of the model that each stored one is loaded into, by the rules of ``from_pretrained``.

    Args:
        structure: The model, on the meta device.
        files: Its safetensors files.

    Returns:
        For each file and each stored name the name in the model, ``None`` if the model has no use for it.

    Raises:
        ModelError: If a file is damaged.
    """
    known, loaded = structure.state_dict(), loaded_name(structure)

    def own_name(stored: str) -> str | None:
        own = loaded(stored)
        if own not in known and stored in known:
            return stored
        return own if own in known else None

    return {file: {stored: own_name(stored) for stored in names_in(file)} for file in files}


def check_report(
    folder: Path, model_class: type[PreTrainedModel], config: PreTrainedConfig, report: dict[str, Any]
) -> None:
    """Refuse a folder whose tensors are not those of its model, by what transformers says of loading it.

    Heads of another class of the same model are dropped, with a warning; what transformers passes over by the
    rules of the class is not in the report.

    Args:
        folder: The model's folder.
        model_class: The class that the configuration names.
        config: The configuration.
        report: What ``from_pretrained`` gives with ``output_loading_info``.

    Raises:
        ModelError: If tensors are missing, left over, or of another shape than the configuration says.
    """
    if mismatched := sorted(report["mismatched_keys"]):
        name, stored, expected = mismatched[0]
        raise ModelError(
            f"{name} in {folder} has the shape {tuple(stored)}; expected {tuple(expected)} as config.json "
            "says: correct that, or get the model again."
        )
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"The weights in {folder} lack {len(missing)} of {model_class.__name__}, such as {missing[0]}; "
            "expected a complete model: correct `architectures` in its config.json."
        )
    surplus = sorted(name for name in report["unexpected_keys"] if not name.endswith(_COUNTERS))
    if not surplus:
        return
    known = _tensors_of_other_classes(model_class, config)
    if strange := [name for name in surplus if _bare(name, model_class) not in known]:
        raise ModelError(
            f"{folder} stores {len(strange)} tensors that no class of transformers for this kind of model "
            f"takes, such as {strange[0]}; they would be lost: correct `architectures` in its config.json, "
            "or remove the tensors if they are not needed."
        )
    logger.warning(
        "%s does not use %d stored weights, such as %s; they belong to heads of another class of this "
        "model and are dropped",
        model_class.__name__, len(surplus), surplus[0],
    )  # fmt: skip


def _tensors_of_other_classes(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> set[str]:
    """The names of all tensors that classes for this kind of configuration have."""
    names: set[str] = set()
    for other in classes_for(config, _TASKS) - {model_class}:
        names |= {_bare(name, other) for name in build_on_meta(other, deepcopy(config)).state_dict()}
    return names


def _bare(name: str, model_class: type[PreTrainedModel]) -> str:
    """A name without the prefix of the class, written as today's transformers do."""
    for old, new in _OLD_NAMES:
        name = name.replace(old, new)
    return name.removeprefix(f"{model_class.base_model_prefix}.")
