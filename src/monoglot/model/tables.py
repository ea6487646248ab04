"""Which tensors of a model have one row for each token."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from monoglot.errors import ModelError
from monoglot.model.blueprint import blueprint, named_tensors, nested_configs

SEGMENT_FIELD = "type_vocab_size"
"""BERT's number of sentence segments: a "vocabulary" by name only."""


class TableKind(StrEnum):
    """What a vocabulary-sized table is for."""

    INPUT = "input"
    OUTPUT = "output"
    BIAS = "bias"


@dataclass(frozen=True)
class Table:
    """One vocabulary-sized tensor and all the names under which the model knows it.

    Attributes:
        names: Names of the parameters or buffers that share this storage; several if they are tied.
        kind: ``INPUT`` where an embedding looks rows up, tied to a head or not; ``OUTPUT`` for a head of its own.
        axis: The dimension that counts tokens.
    """

    names: tuple[str, ...]
    kind: TableKind
    axis: int


@dataclass(frozen=True)
class VocabularyTables:
    """All vocabulary-sized tensors of a model.

    Attributes:
        tables: One entry for each storage, in the order of the model's modules.
        rows: Rows of each of them, which may be more than the tokenizer has tokens.
        fields: Paths of the configuration's fields that give their size, such as ``text_config.vocab_size``.
    """

    tables: tuple[Table, ...]
    rows: int
    fields: tuple[str, ...]

    @property
    def input(self) -> Table:
        """The embeddings that token ids are looked up in."""
        return next(table for table in self.tables if table.kind is TableKind.INPUT)

    @property
    def axes(self) -> dict[str, int]:
        """The dimension that counts tokens, for each name."""
        return {name: table.axis for table in self.tables for name in table.names}


def find_tables(model: PreTrainedModel) -> VocabularyTables:
    """Find every parameter and buffer that has a vocabulary dimension.

    The model's class is built twice without weights, the second time with a vocabulary one larger: exactly the tensors
    that grow have a vocabulary dimension. So neither names nor sizes that are equal by chance matter.

    Args:
        model: Any Hugging Face model with token embeddings; it may lie on the meta device.

    Returns:
        The tables, grouped by the storage that tied ones share.

    Raises:
        ModelError: If the model has no token embeddings, more than one vocabulary, or a vocabulary-sized tensor of an
            unknown kind.
    """
    tensors = named_tensors(model)
    before = _shapes(blueprint(type(model), model.config))
    growth = {field: _grown(model, field, before) for field in _vocabulary_fields(model.config)}
    fields = _input_fields(model, growth)
    axes = {name: axis for field in fields for name, axis in growth.pop(field).items() if name in tensors}
    rows = _common_rows(model, {name: tensors[name].shape[axis] for name, axis in axes.items()})
    _refuse_others(model, rows, axes, growth)
    groups: dict[object, list[str]] = {}
    for name in tensors:
        if name in axes:
            groups.setdefault(storage(tensors[name]), []).append(name)
    tables = (
        Table(tuple(names), _kind(model, names, tensors[names[0]]), axes[names[0]])
        for names in groups.values()
    )
    return VocabularyTables(tuple(tables), rows, fields)


def storage(tensor: Tensor) -> object:
    """A key that two tensors share exactly if they are the same numbers in memory (on meta: the same object)."""
    if tensor.device.type == "meta":
        return id(tensor)
    return tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape, tensor.stride()


def check_finite(name: str, table: Float[Tensor, "rows *features"]) -> None:
    """Check that a source table holds numbers only.

    Raises:
        ModelError: If a row holds NaN or infinity, naming the table and the first such row.
    """
    sums = table.reshape(len(table), -1).sum(
        dim=1, dtype=torch.float32
    )  # one number a row: no mask of the table's size
    if not (finite := torch.isfinite(sums)).all():
        raise ModelError(
            f"Row {int((~finite).nonzero()[0])} of {name} holds NaN or infinity; expected finite numbers: "
            "the checkpoint is damaged, fetch it again."
        )


def resized(config: PreTrainedConfig, fields: Iterable[str], rows: int) -> PreTrainedConfig:
    """A copy of a configuration with another number of vocabulary rows."""
    changed = copy.deepcopy(config)
    for path, inner in nested_configs(changed):
        for field in fields:
            if field.startswith(path) and "." not in (name := field.removeprefix(path)):
                setattr(inner, name, rows)
    return changed


def _vocabulary_fields(config: PreTrainedConfig) -> dict[str, int]:
    """Fields of the configuration that are sizes of a vocabulary, as far as their name tells."""
    return {
        path + name: value
        for path, inner in nested_configs(config)
        for name, value in vars(inner).items()
        if "vocab" in name and name != SEGMENT_FIELD and type(value) is int
    }


def _shapes(model: PreTrainedModel) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in named_tensors(model).items()}


def _grown(model: PreTrainedModel, field: str, before: dict[str, torch.Size]) -> dict[str, int]:
    """The tensors that grow if the field does, each with the dimension along which it grows."""
    size = _vocabulary_fields(model.config)[field]
    after = _shapes(blueprint(type(model), resized(model.config, [field], size + 1)))
    axes = {}
    for name, shape in before.items():
        changes = [
            (axis, new - old)
            for axis, (old, new) in enumerate(zip(shape, after[name], strict=True))
            if new != old
        ]
        if changes and (len(changes) > 1 or changes[0][1] != 1):
            raise ModelError(
                f"{name} of {type(model).__name__} has {tuple(shape)} numbers and does not grow by one row for a token; "
                "monoglot knows only tables with one row for each token."
            )
        axes.update({name: axis for axis, _ in changes})
    return axes


def _input_fields(model: PreTrainedModel, growth: dict[str, dict[str, int]]) -> tuple[str, ...]:
    """The fields that size the embeddings of the input ids, or tensors tied to those (Marian has two such fields)."""
    try:
        embeddings = storage(model.get_input_embeddings().weight)
    except (NotImplementedError, AttributeError):
        embeddings = None
    tensors = named_tensors(model)
    fields = tuple(
        field
        for field, axes in growth.items()
        if any(storage(tensors[name]) == embeddings for name in axes if name in tensors)
    )
    if not fields:
        raise ModelError(
            f"{type(model).__name__} has no token embeddings sized by its configuration; "
            "expected a text model with one row for each token."
        )
    return fields


def _refuse_others(
    model: PreTrainedModel, rows: int, axes: dict[str, int], others: dict[str, dict[str, int]]
) -> None:
    """Refuse tensors sized by a second vocabulary, or by a size that is the vocabulary's but follows no field."""
    name_of_model = type(model).__name__
    for field, names in others.items():
        for name in names:
            raise ModelError(
                f"{name} of {name_of_model} is sized by {field}, a second vocabulary; "
                "expected a model whose only vocabulary is that of its input embeddings."
            )
    sizes = {
        value
        for _, inner in nested_configs(model.config)
        for name, value in vars(inner).items()
        if type(value) is int and "vocab" not in name
    }
    if rows in sizes:
        return  # Another size happens to be the same number, so equal numbers prove nothing.
    for name, tensor in named_tensors(model).items():
        if name not in axes and rows in tensor.shape:
            raise ModelError(
                f"{name} of {name_of_model} has {rows} rows like the vocabulary but no field of the configuration "
                "changes them; expected tables that follow the vocabulary's size."
            )


def _common_rows(model: PreTrainedModel, rows: dict[str, int]) -> int:
    sizes = sorted(set(rows.values()))
    if len(sizes) > 1:
        one, other = (next(name for name, size in rows.items() if size == wanted) for wanted in sizes[:2])
        raise ModelError(
            f"{one} of {type(model).__name__} has {rows[one]} rows but {other} has {rows[other]}; "
            "expected the same vocabulary everywhere."
        )
    return sizes[0]


def _kind(model: PreTrainedModel, names: list[str], tensor: Tensor) -> TableKind:
    owners = [model.get_submodule(name.rpartition(".")[0]) for name in names]
    if not tensor.is_floating_point():
        raise ModelError(
            f"{names[0]} of {type(model).__name__} holds {tensor.dtype} numbers for each token; expected floating point: "
            "load the model without quantization."
        )
    if any(isinstance(owner, nn.Embedding) for owner in owners):
        return TableKind.INPUT
    if tensor.numel() == max(tensor.shape):
        return TableKind.BIAS
    if any(isinstance(owner, nn.Linear) for owner in owners):
        return TableKind.OUTPUT
    raise ModelError(
        f"{names[0]} of {type(model).__name__} has one row for each token but is neither an embedding nor a head; "
        "monoglot can't tell what to do with it."
    )
