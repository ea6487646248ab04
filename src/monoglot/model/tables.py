"""Which tensors of a model have a vocabulary dimension, found without a list of architectures.

The model's class is built on the meta device from its configuration, at two vocabulary sizes: a tensor whose
shape follows is a table. Also here: which rows of the embeddings were ever trained.
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
from monoglot.tokenization.roles import is_reserved
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.untrusted import refusing

SEGMENT_FIELD = "type_vocab_size"
"""BERT's number of sentence segments: a "vocabulary" by name only."""
BLOCK_ROWS = 1 << 14
FINGERPRINTED_ROWS = 1 << 14
Axes = dict[str, int]
"""Names of tensors, each with one of its dimensions."""


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


def blueprint(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel:
    """Build a model on the meta device: every module and shape, no memory for weights, nothing tied.

    Args:
        model_class: The class to instantiate.
        config: Its configuration; not changed.

    Returns:
        A model whose parameters and buffers have shapes but no values.

    Raises:
        ModelError: If the class can't be built from its configuration alone.
    """
    # A model's constructor may raise anything.
    problem = f"{model_class.__name__} can't be built from its configuration"
    with (
        refusing(ModelError, problem, "correct config.json until from_pretrained() can load the model"),
        quiet_transformers(),
        on_meta_device(),
    ):
        return model_class(config)


def named_tensors(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Every parameter and buffer under every name it has, tied ones under each of their names."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def storage(tensor: Tensor) -> object:
    """A key that two tensors share exactly if they are the same numbers in memory (on meta: one object)."""
    if tensor.device.type == "meta":
        return id(tensor)
    return tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape, tensor.stride()


def nested_configs(config: PreTrainedConfig) -> Iterator[tuple[str, PreTrainedConfig]]:
    """The configuration itself and those inside it, each with its path (``text_config.``)."""
    yield "", config
    for name, value in vars(config).items():
        if isinstance(value, PreTrainedConfig):
            yield from ((f"{name}.{path}", inner) for path, inner in nested_configs(value))


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


def trained_rows(table: Float[Tensor, "rows dim"], vocabulary: Vocabulary) -> Bool[np.ndarray, " size"]:
    """Tell for each source id whether its row may shape means, noise and mixtures.

    A row counts as untrained if no token has its id, if its token is spelled as one held in reserve, if it
    is zero, or if another row holds exactly the same numbers (rows filled with one mean, or only ever moved
    by weight decay). A rare token whose row was initialized and hardly ever trained is not recognized.

    Args:
        table: The source embeddings.
        vocabulary: The source vocabulary.

    Returns:
        One entry for each id below ``vocabulary.size``; ids beyond the table count as untrained.
    """
    trained = np.zeros(vocabulary.size, dtype=bool)
    trained[[token.id for token in vocabulary.tokens if not is_reserved(token.text)]] = True
    fingerprints = _fingerprints(table[: vocabulary.size])
    trained[len(fingerprints) :] = False
    _, group, sizes = np.unique(fingerprints, return_inverse=True, return_counts=True)
    trained[: len(fingerprints)] &= (sizes[group] == 1) & (fingerprints != 0)
    return trained


def _fingerprints(table: Float[Tensor, "rows dim"]) -> Int64[np.ndarray, " rows"]:
    """An exact 64-bit hash of each row; equal rows have equal ones and a zero row has 0."""
    factors = np.random.default_rng(0).integers(1, 2**62, table.shape[1]) * 2 + 1
    table = table.detach().cpu()
    blocks = (
        table[start : start + FINGERPRINTED_ROWS].float()
        for start in range(0, len(table), FINGERPRINTED_ROWS)
    )
    # Adding 0.0 turns -0.0 into 0.0; the products overflow on purpose.
    hashes = [
        ((block + 0.0).view(torch.int32).numpy().astype(np.int64) * factors).sum(axis=1) for block in blocks
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *hashes])
