"""Which tensors of a model have a vocabulary dimension, found without a list of architectures.

`find_tables` builds the model's class on the meta device from its configuration, at two vocabulary sizes: a
tensor whose shape follows is a table (`vocabulary_axes`). Then come the functions that read the structure of
a model without its weights, and two checks of the tables' contents: whether all numbers are finite, and
which rows were ever trained (`trained_rows`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from monoglot._hf import on_meta_device, quiet_transformers
from monoglot.errors import ModelError
from monoglot.model.stored_rows import BLOCK_ROWS, StoredRows
from monoglot.tokenization.roles import is_reserved
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.untrusted import refusing

SEGMENT_FIELD = "type_vocab_size"
"""BERT's number of sentence segments: a "vocabulary" by name only."""
FIRST_COLUMNS = 8
"""Columns by which rows are told apart before whole rows are compared."""
SUMMED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Types of numbers that torch can add up; it can't those of 8 bits."""
Axes = dict[str, int]
"""Names of tensors, each with the dimension that counts tokens."""


class TableKind(StrEnum):
    """What a vocabulary-sized table is for: looking tokens up, scoring them, or the bias of the scores."""

    INPUT = "input"
    OUTPUT = "output"
    BIAS = "bias"


@dataclass(frozen=True)
class Table:
    """One vocabulary-sized tensor and all the names under which the model knows it.

    Attributes:
        names: Names of the parameters or buffers that share this storage; several if they are tied.
        kind: ``INPUT`` for embeddings, tied to an output head or not; ``OUTPUT`` for an untied head;
            ``BIAS`` for a vector with one number for each token.
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
        rows: Number of rows of each table, which may be more than the tokenizer has tokens.
        fields: Paths of the fields in the configuration that give their size, such as
            ``text_config.vocab_size``.
    """

    tables: tuple[Table, ...]
    rows: int
    fields: tuple[str, ...]

    @property
    def input(self) -> Table:
        """The input embeddings."""
        return next(table for table in self.tables if table.kind is TableKind.INPUT)

    @property
    def axes(self) -> Axes:
        """The dimension that counts tokens, by the name of the tensor."""
        return {name: table.axis for table in self.tables for name in table.names}


def find_tables(model: PreTrainedModel) -> VocabularyTables:
    """Find every parameter and buffer that has a vocabulary dimension.

    Args:
        model: Any Hugging Face model with token embeddings; it may lie on the meta device.

    Returns:
        The tables; tensors that share their storage, as tied ones do, are one table.

    Raises:
        ModelError: If the model has no token embeddings, more than one vocabulary, or a vocabulary-sized
            tensor of an unknown kind.
    """
    tensors = named_tensors(model)
    axes_by_field = vocabulary_axes(model)
    fields = _input_fields(model, tensors, axes_by_field)
    own = [axes_by_field.pop(field) for field in fields]
    axes = {name: axis for each in own for name, axis in each.items() if name in tensors}
    _refuse_second_vocabulary(model, axes_by_field)
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


def vocabulary_axes(model: PreTrainedModel) -> dict[str, Axes]:
    """Find the tensors whose shape follows a vocabulary's size, and the dimension in which it does.

    For each field of the configuration whose name contains "vocab", the model's class is built without
    weights, with the field as it is and one larger. The tensors whose shapes differ follow the field, along
    the dimension that differs. So neither the names of parameters nor sizes that are equal by chance matter.

    Args:
        model: Any Hugging Face model; it may lie on the meta device.

    Returns:
        For the path of each field, such as ``text_config.vocab_size``, the tensors that follow it, each with
        its dimension.

    Raises:
        ModelError: If the class can't be built from its configuration, or a tensor grows otherwise than by
            one row.
    """
    before = named_tensors(build_on_meta(type(model), model.config))
    axes_by_field: dict[str, Axes] = {}
    for field, size in _vocabulary_fields(model.config).items():
        after = named_tensors(build_on_meta(type(model), resized(model.config, {field}, size + 1)))
        axes_by_field[field] = {}
        for name, tensor in before.items():
            if after[name].shape != tensor.shape:
                axes_by_field[field][name] = _changed_axis(name, tensor.shape, after[name].shape)
    return axes_by_field


def _vocabulary_fields(config: PreTrainedConfig) -> dict[str, int]:
    return {
        path + name: value
        for path, inner in nested_configs(config)
        for name, value in vars(inner).items()
        if type(value) is int and "vocab" in name and name != SEGMENT_FIELD
    }


def _changed_axis(name: str, old: tuple[int, ...], new: tuple[int, ...]) -> int:
    changes = {axis: after - before for axis, (before, after) in enumerate(zip(old, new, strict=True))}
    axes = [axis for axis, change in changes.items() if change]
    if len(axes) != 1 or changes[axes[0]] != 1:
        raise ModelError(
            f"The shape of {name} goes from {tuple(old)} to {tuple(new)} with one more token; "
            "expected one more row: monoglot can't tell which numbers belong to which token."
        )
    return axes[0]


def _input_fields(
    model: PreTrainedModel, tensors: dict[str, Tensor], axes_by_field: dict[str, Axes]
) -> tuple[str, ...]:
    """Find the fields that size the input embeddings or what is tied to them (Marian has two such fields)."""
    try:
        weight = model.get_input_embeddings().weight
    except (NotImplementedError, AttributeError):
        weight = None
    embeddings = storage(weight) if isinstance(weight, Tensor) else None
    fields = tuple(
        field
        for field, axes in axes_by_field.items()
        if any(storage(tensors[name]) == embeddings for name in axes if name in tensors)
    )
    if not fields:
        raise ModelError(
            f"{type(model).__name__} has no token embeddings sized by its configuration; "
            "expected a text model with one row for each token."
        )
    return fields


def _refuse_second_vocabulary(model: PreTrainedModel, axes_by_field: dict[str, Axes]) -> None:
    for field, axes in axes_by_field.items():
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


def build_on_meta(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel:
    """Build a model on the meta device: every module and shape, no memory for weights, no tied weights.

    Args:
        model_class: The class to instantiate.
        config: Its configuration; not changed.

    Returns:
        A model whose parameters and buffers have shapes but no values.

    Raises:
        ModelError: If the class can't be built from its configuration alone.
    """
    # Constructors of models raise exceptions of any class.
    problem = f"{model_class.__name__} can't be built from its configuration"
    with (
        refusing(ModelError, problem, "correct config.json until from_pretrained() can load the model"),
        quiet_transformers(),
        on_meta_device(),
    ):
        return model_class(config)


def named_tensors(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """List all parameters and buffers; tied ones stand under each of their names."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def storage(tensor: Tensor) -> object:
    """Give a key that two tensors share exactly if they are the same memory (on meta: the same object)."""
    if tensor.device.type == "meta":
        return id(tensor)
    return tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape, tensor.stride()


def nested_configs(config: PreTrainedConfig) -> Iterator[tuple[str, PreTrainedConfig]]:
    """Yield a configuration and those inside it, each with its path (``""``, ``text_config.``)."""
    yield "", config
    for name, value in vars(config).items():
        if isinstance(value, PreTrainedConfig):
            yield from ((f"{name}.{path}", inner) for path, inner in nested_configs(value))


def resized(config: PreTrainedConfig, fields: set[str], rows: int) -> PreTrainedConfig:
    """Copy a configuration with another number of rows in some of its fields, named by their paths."""
    changed = copy.deepcopy(config)
    for path, inner in nested_configs(changed):
        for name in vars(inner):
            if path + name in fields:
                setattr(inner, name, rows)
    return changed


def other_sizes(config: PreTrainedConfig) -> set[int]:
    """Collect all whole numbers in a configuration that are not sizes of a vocabulary."""
    return {
        value
        for _, inner in nested_configs(config)
        for name, value in vars(inner).items()
        if type(value) is int and "vocab" not in name
    }


def check_finite(name: str, table: Float[Tensor, " rows *features"] | StoredRows) -> None:
    """Check that a source table holds finite numbers only.

    Raises:
        ModelError: If a row holds NaN or infinity; names the table and the first such row.
    """
    for start in range(0, len(table), BLOCK_ROWS):  # in blocks, because a mask would be as large as the table
        block = table[start : start + BLOCK_ROWS]
        if not _has_finite_sum(block) and not torch.isfinite(block).all():
            finite = torch.isfinite(block).reshape(len(block), -1).all(dim=1)
            row = start + int((~finite).nonzero()[0])
            raise ModelError(
                f"Row {row} of {name} holds NaN or infinity; expected finite numbers: "
                "the training that made it diverged, or the file is damaged: take an earlier checkpoint or "
                "another copy."
            )


def _has_finite_sum(block: Float[Tensor, " rows *features"]) -> bool:
    """Whether the sum is finite, which it is only if all numbers are; ten times cheaper than to ask each."""
    return block.dtype in SUMMED and bool(torch.isfinite(block.sum()))


def trained_rows(
    table: Float[Tensor, "rows dim"] | StoredRows, vocabulary: Vocabulary
) -> Bool[np.ndarray, " size"]:
    """Find the source ids whose rows were trained; only these enter means, noise and mixtures.

    A row counts as untrained if no token has its id, if its token is a reserved one by its text
    (``[unused0]``), if it is zero, or if another row holds exactly the same numbers (rows filled with one
    mean, or changed by weight decay alone). A rare token whose row was initialized and hardly ever trained is
    not recognized. Time and memory are linear in the size of the table: rows are compared by hashes.

    Args:
        table: The source embeddings.
        vocabulary: The source vocabulary.

    Returns:
        Whether the row of each id below ``vocabulary.size`` was trained; ids beyond the table count as
        untrained.
    """
    trained = np.zeros(vocabulary.size, dtype=bool)
    trained[[token.id for token in vocabulary.tokens if not is_reserved(token.text)]] = True
    rows = min(len(table), vocabulary.size)
    trained[rows:] = False
    # Rows that are equal begin alike: only of those that do is all of a row looked at.
    beginnings = [_fingerprints(table[start:end][:, :FIRST_COLUMNS]) for start, end in _blocks(rows)]
    alike = _repeated_or_zero(np.concatenate([np.zeros(0, np.int64), *beginnings]))
    wholes = [
        _fingerprints(table[start:end][torch.from_numpy(alike[start:end])])
        for start, end in _blocks(rows)
        if alike[start:end].any()
    ]
    same = _repeated_or_zero(np.concatenate([np.zeros(0, np.int64), *wholes]))
    trained[np.flatnonzero(alike)[same]] = False
    return trained


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of blocks of rows."""
    return ((start, min(rows, start + BLOCK_ROWS)) for start in range(0, rows, BLOCK_ROWS))


def _repeated_or_zero(hashes: Int64[np.ndarray, " rows"]) -> Bool[np.ndarray, " rows"]:
    """Which rows have the hash of another one, or of zeros."""
    _, group, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    found: Bool[np.ndarray, " rows"] = (sizes[group] > 1) | (hashes == 0)
    return found


def _fingerprints(block: Float[Tensor, "rows dim"]) -> Int64[np.ndarray, " rows"]:
    """Compute a 64-bit hash of each row; equal rows have equal hashes, and a zero row has 0."""
    factors = np.random.default_rng(0).integers(1, 2**62, block.shape[1]) * 2 + 1
    # Adding 0.0 turns -0.0 into 0.0; the products overflow on purpose.
    numbers = (block.detach().cpu().float() + 0.0).contiguous().view(torch.int32).numpy()
    hashes: Int64[np.ndarray, " rows"] = (numbers.astype(np.int64) * factors).sum(axis=1)
    return hashes
