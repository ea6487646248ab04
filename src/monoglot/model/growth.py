"""Which tensors of a model grow with which size in its configuration."""

from __future__ import annotations

import copy

from transformers import PreTrainedConfig, PreTrainedModel

from monoglot.errors import ModelError
from monoglot.model.blueprint import blueprint, named_tensors, nested_configs

SEGMENT_FIELD = "type_vocab_size"
"""BERT's number of sentence segments: a "vocabulary" by name only."""

Axes = dict[str, int]
"""Names of tensors, each with one of its dimensions."""


def growth_by_vocabulary(model: PreTrainedModel) -> dict[str, Axes]:
    """Find the tensors whose shape follows a vocabulary's size.

    For each field of the configuration whose name says "vocab", the model's class is built without weights,
    with the field as it is and one larger. The tensors that differ follow it, along the dimension that
    differs. So neither names of parameters nor sizes that are equal by chance matter.

    Args:
        model: Any Hugging Face model; it may lie on the meta device.

    Returns:
        For the path of each field, such as ``text_config.vocab_size``, the tensors that grow and their
        dimension.

    Raises:
        ModelError: If the class can't be built from its configuration, or a tensor grows otherwise than by
            one row.
    """
    before = named_tensors(blueprint(type(model), model.config))
    growth: dict[str, Axes] = {}
    for field, size in _vocabulary_fields(model.config).items():
        after = named_tensors(blueprint(type(model), resized(model.config, {field}, size + 1)))
        growth[field] = {}
        for name, tensor in before.items():
            if after[name].shape != tensor.shape:
                growth[field][name] = _axis(name, tensor.shape, after[name].shape)
    return growth


def resized(config: PreTrainedConfig, fields: set[str], rows: int) -> PreTrainedConfig:
    """A copy of a configuration with another number of rows in some of its fields."""
    changed = copy.deepcopy(config)
    for path, inner in nested_configs(changed):
        for name in vars(inner):
            if path + name in fields:
                setattr(inner, name, rows)
    return changed


def other_sizes(config: PreTrainedConfig) -> set[int]:
    """All whole numbers in a configuration that are not sizes of a vocabulary."""
    return {
        value
        for _, inner in nested_configs(config)
        for name, value in vars(inner).items()
        if type(value) is int and "vocab" not in name
    }


def _vocabulary_fields(config: PreTrainedConfig) -> dict[str, int]:
    return {
        path + name: value
        for path, inner in nested_configs(config)
        for name, value in vars(inner).items()
        if type(value) is int and "vocab" in name and name != SEGMENT_FIELD
    }


def _axis(name: str, old: tuple[int, ...], new: tuple[int, ...]) -> int:
    changes = {axis: after - before for axis, (before, after) in enumerate(zip(old, new, strict=True))}
    axes = [axis for axis, change in changes.items() if change]
    if len(axes) != 1 or changes[axes[0]] != 1:
        raise ModelError(
            f"The shape of {name} goes from {tuple(old)} to {tuple(new)} with one token more; "
            "expected one row more: monoglot can't tell what belongs to which token."
        )
    return axes[0]
