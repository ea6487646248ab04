"""Which tensors of a model have one row for each token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.errors import ModelError
from monoglot.model.blueprint import named_tensors
from monoglot.model.growth import Axes, growth_by_vocabulary, other_sizes

BLOCK_ROWS = 1 << 14


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
        kind: ``INPUT`` if an embedding looks rows up, tied to a head or not; ``OUTPUT`` for a head of its
            own.
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
        fields: Paths of the fields in the configuration that give their size, such as
            ``text_config.vocab_size``.
    """

    tables: tuple[Table, ...]
    rows: int
    fields: tuple[str, ...]

    @property
    def input(self) -> Table:
        """The embeddings that token ids are looked up in."""
        return next(table for table in self.tables if table.kind is TableKind.INPUT)

    @property
    def axes(self) -> Axes:
        """The dimension that counts tokens, for each name."""
        return {name: table.axis for table in self.tables for name in table.names}


def find_tables(model: PreTrainedModel) -> VocabularyTables:
    """Find every parameter and buffer that has a vocabulary dimension.

    Args:
        model: Any Hugging Face model with token embeddings; it may lie on the meta device.

    Returns:
        The tables, grouped by the storage that tied ones share.

    Raises:
        ModelError: If the model has no token embeddings, more than one vocabulary, or a vocabulary-sized
            tensor of an unknown kind.
    """
    tensors = named_tensors(model)
    growth = growth_by_vocabulary(model)
    fields = _input_fields(model, tensors, growth)
    axes = {name: axis for field in fields for name, axis in growth.pop(field).items() if name in tensors}
    _refuse_second_vocabulary(model, growth)
    rows = _common_rows(model, {name: tensors[name].shape[axis] for name, axis in axes.items()})
    _refuse_equal_sizes(model, tensors, axes, rows)
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
    """A key that two tensors share exactly if they are the same numbers in memory (on meta: one object)."""
    if tensor.device.type == "meta":
        return id(tensor)
    return tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape, tensor.stride()


def check_finite(name: str, table: Float[Tensor, " rows *features"]) -> None:
    """Check that a source table holds numbers only.

    Raises:
        ModelError: If a row holds NaN or infinity, naming the table and the first such row.
    """
    for start in range(0, len(table), BLOCK_ROWS):  # in blocks, because a mask would be as large as the table
        block = table[start : start + BLOCK_ROWS]
        if not torch.isfinite(block).all():
            finite = torch.isfinite(block).reshape(len(block), -1).all(dim=1)
            row = start + int((~finite).nonzero()[0])
            raise ModelError(
                f"Row {row} of {name} holds NaN or infinity; expected finite numbers: "
                "the training that made it diverged, or the file is damaged: take an earlier checkpoint or "
                "another copy."
            )


def _input_fields(
    model: PreTrainedModel, tensors: dict[str, Tensor], growth: dict[str, Axes]
) -> tuple[str, ...]:
    """The fields that size the input embeddings or what is tied to them (Marian has two such fields)."""
    try:
        weight = model.get_input_embeddings().weight
    except (NotImplementedError, AttributeError):
        weight = None
    embeddings = storage(weight) if isinstance(weight, Tensor) else None
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


def _refuse_second_vocabulary(model: PreTrainedModel, growth: dict[str, Axes]) -> None:
    for field, axes in growth.items():
        for name in axes:
            raise ModelError(
                f"{name} of {type(model).__name__} is sized by {field}, a second vocabulary; "
                "expected a model whose only vocabulary is that of its input embeddings."
            )


def _common_rows(model: PreTrainedModel, rows: dict[str, int]) -> int:
    first = next(iter(rows))
    for name, size in rows.items():
        if size != rows[first]:
            raise ModelError(
                f"{first} of {type(model).__name__} has {rows[first]} rows but {name} has {size}; "
                "expected the same vocabulary everywhere."
            )
    return rows[first]


def _refuse_equal_sizes(model: PreTrainedModel, tensors: dict[str, Tensor], axes: Axes, rows: int) -> None:
    """Refuse tensors that have the vocabulary's size without following any field of the configuration."""
    if rows in other_sizes(model.config):
        return  # Something else happens to be of this size, so equal numbers prove nothing.
    for name, tensor in tensors.items():
        if name not in axes and rows in tensor.shape:
            raise ModelError(
                f"{name} of {type(model).__name__} has {rows} rows like the vocabulary, but its size doesn't "
                "follow the configuration's; expected no such parameter: monoglot can't tell what it is for."
            )


def _kind(model: PreTrainedModel, names: list[str], tensor: Tensor) -> TableKind:
    owners = [model.get_submodule(name.rpartition(".")[0]) for name in names]
    what = f"{names[0]} of {type(model).__name__}"
    if not tensor.is_floating_point():
        raise ModelError(
            f"{what} holds numbers of the type {tensor.dtype}; expected floating point: "
            "load the model without quantization."
        )
    if any(isinstance(owner, nn.Embedding) for owner in owners):
        return TableKind.INPUT
    if tensor.numel() == max(tensor.shape):
        return TableKind.BIAS
    if any(isinstance(owner, nn.Linear) for owner in owners):
        return TableKind.OUTPUT
    raise ModelError(
        f"{what} has one row for each token but is neither an embedding nor an output head; "
        "expected one of these: monoglot can't tell what it is for."
    )
