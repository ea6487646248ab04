"""Whether the tensors that are stored are those that the model takes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto

from monoglot.errors import ModelError
from monoglot.model.blueprint import blueprint

logger = logging.getLogger(__name__)

_TASKS = (
    "PRETRAINING", "CAUSAL_LM", "MASKED_LM", "SEQ_TO_SEQ_CAUSAL_LM", "SEQUENCE_CLASSIFICATION",
    "TOKEN_CLASSIFICATION", "QUESTION_ANSWERING", "MULTIPLE_CHOICE", "NEXT_SENTENCE_PREDICTION",
)  # fmt: skip
# Older versions of transformers stored these counters with the weights.
_COUNTERS = ("position_ids",)
_OLD_NAMES = (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"))


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
        "%s has no use for %d stored weights, such as %s; they are heads of another class of this model and "
        "are dropped",
        model_class.__name__, len(surplus), surplus[0],
    )  # fmt: skip


def _tensors_of_other_classes(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> set[str]:
    """The names of all tensors that classes for this kind of configuration have."""
    classes: set[type[PreTrainedModel]] = set()
    for mapping in _mappings():
        found = mapping.get(type(config), None)
        classes |= set(found if isinstance(found, tuple) else (found,)) - {None}
    names: set[str] = set()
    for other in classes - {model_class}:
        names |= {_bare(name, other) for name in blueprint(other, deepcopy(config)).state_dict()}
    return names


def _mappings() -> Iterator[Any]:
    yield modeling_auto.MODEL_MAPPING
    yield from (getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING") for task in _TASKS)


def _bare(name: str, model_class: type[PreTrainedModel]) -> str:
    """A name without the prefix of the class, spelled as today's transformers do."""
    for old, new in _OLD_NAMES:
        name = name.replace(old, new)
    return name.removeprefix(f"{model_class.base_model_prefix}.")
