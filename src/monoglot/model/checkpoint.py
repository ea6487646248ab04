"""Transplants a checkpoint shard by shard: memory holds the new tables and one shard."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from monoglot._hf import quiet_transformers
from monoglot.errors import ModelError
from monoglot.maths.mixture import Mixture
from monoglot.model.folder import (
    find_class,
    inner_folder,
    load_config,
    save_surroundings,
)
from monoglot.model.side_files import transformer_folder
from monoglot.model.stored_rows import StoredRows
from monoglot.model.stored_tensors import stored_names, weight_files
from monoglot.model.tables import (
    VocabularyTables,
    build_on_meta,
    check_finite,
    find_tables,
    named_tensors,
    nested_configs,
)
from monoglot.model.transplant import TransplantPlan, plan_transplant
from monoglot.model.whole_model import INDEX, WEIGHTS
from monoglot.untrusted import read_foreign_json, refusing

MULTI_TOKEN_LAYERS = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers")
"""Fields with the number of layers that predict several tokens ahead."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A model folder whose tensors are read one at a time.

    Attributes:
        folder: The model folder, or the sentence-transformers folder around it.
        structure: The model on the meta device, with ties.
        names: For each file and each name stored in it, the name in the model; ``None`` if the model has no
            such tensor.
    """

    folder: Path
    structure: PreTrainedModel
    names: dict[Path, dict[str, str | None]]

    @staticmethod
    def open(folder: Path, *, trust_remote_code: bool = False) -> Checkpoint:
        """Read the structure of a model and the names of its tensors, but no weights.

        Raises:
            ModelError: As for ``load_model``.
        """
        inner = transformer_folder(folder)
        config = load_config(inner, trust_remote_code=trust_remote_code)
        model_class = find_class(inner, config, trust_remote_code=trust_remote_code)
        structure = build_on_meta(model_class, config)
        structure.tie_weights()
        if (file := inner / "generation_config.json").exists():
            read_foreign_json(file, ModelError)
            with refusing(ModelError, f"{file} can't be read", "correct it"), quiet_transformers():
                structure.generation_config = GenerationConfig.from_pretrained(inner, local_files_only=True)
        return Checkpoint(folder, structure, stored_names(structure, weight_files(inner)))

    @cached_property
    def tables(self) -> VocabularyTables:
        """The tensors with a vocabulary dimension."""
        return find_tables(self.structure)

    def read(self, name: str) -> Float[Tensor, "..."]:
        """Read a tensor by any of its names; it is mapped from its file, not copied.

        Raises:
            ModelError: If it is not stored, or stored with another shape than the configuration says.
        """
        file, stored = self._place(name)
        with safe_open(file, framework="pt") as weights:
            return self._checked(name, weights.get_tensor(stored))

    def rows(self, name: str) -> StoredRows:
        """The rows of a tensor by any of its names, of which memory holds only those in use.

        Raises:
            ModelError: As for ``read``.
        """
        return StoredRows(*self._place(name), tuple(self.read(name).shape))

    def _place(self, name: str) -> tuple[Path, str]:
        """The file of a tensor, and its name there."""
        tensors = named_tensors(self.structure)
        tied = {other for other, tensor in tensors.items() if tensor is tensors[name]}
        for file, names in self.names.items():
            stored = next((stored for stored, own in names.items() if own in tied), None)
            if stored is not None:
                return file, stored
        raise ModelError(
            f"The weights in {self.folder} lack {name}; expected a complete model: correct `architectures` "
            "in config.json, or take a complete copy."
        )

    def check_numbers(self) -> None:
        """Check that every tensor that the model uses holds finite numbers only.

        Raises:
            ModelError: If one holds NaN or infinity.
        """
        for file, names in self.names.items():
            with safe_open(file, framework="pt") as weights:
                for stored in (stored for stored, own in names.items() if own is not None):
                    tensor = weights.get_tensor(stored)
                    if tensor.is_floating_point() and tensor.dim():
                        check_finite(stored, StoredRows(file, stored, tuple(tensor.shape)))

    def check_tables(self) -> None:
        """Check that every vocabulary-sized tensor is stored and holds finite numbers only.

        Raises:
            ModelError: If one is missing, has another shape, or holds NaN or infinity.
        """
        for table in self.tables.tables:
            name = table.names[0]
            check_finite(name, self.read(name).movedim(table.axis, 0) if table.axis else self.rows(name))

    def _checked(self, name: str, tensor: Tensor) -> Tensor:
        expected = named_tensors(self.structure)[name].shape
        if tensor.shape != expected:
            raise ModelError(
                f"{name} in {self.folder} has the shape {tuple(tensor.shape)}; expected {tuple(expected)} "
                "as config.json says: take the config.json that belongs to the weights."
            )
        return tensor


def transplant_checkpoint(
    source: Checkpoint,
    mixture: Mixture,
    tokenizer: PreTrainedTokenizerFast,
    out: Path,
    *,
    source_tokenizer: PreTrainedTokenizerFast,
) -> None:
    """Write the model that ``transplant`` and ``save`` would write, with at most one shard in memory.

    Shards keep their names, and the tensors in them the names under which they were stored.

    Args:
        source: The source model.
        mixture: The weights over source rows that make each target row.
        tokenizer: The target tokenizer.
        out: A new or empty folder.
        source_tokenizer: The source model's own tokenizer.

    Raises:
        ModelError: As for ``transplant``.
    """
    source.check_tables()
    plan = plan_transplant(source.structure, mixture, tokenizer, source_tokenizer)
    inner = inner_folder(source.folder, out)
    weight_map: dict[str, str] = {}
    size_bytes = 0
    for file, names in source.names.items():
        kept = {stored: own for stored, own in names.items() if own is not None}
        if kept:
            # Without an index beside it, transformers finds only a file of this name.
            name = file.name if len(source.names) > 1 else WEIGHTS
            size_bytes += _write_shard(file, kept, plan, inner / name)
            weight_map |= dict.fromkeys(kept, name)
    if len(source.names) > 1:
        index = {"metadata": {"total_size": size_bytes}, "weight_map": dict(sorted(weight_map.items()))}
        (inner / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    config = plan.new_settings[id(source.structure.config)]
    stored = (pair for names in source.names.values() for pair in names.items())
    _without_lost_layers(config, [name for name, own in stored if own is None])
    with quiet_transformers():
        config.save_pretrained(inner)
        if source.structure.can_generate():
            plan.new_settings[id(source.structure.generation_config)].save_pretrained(inner)
    save_surroundings(tokenizer, source.folder, out, source_tokenizer=source_tokenizer)


def _without_lost_layers(config: PreTrainedConfig, lost: Sequence[str]) -> None:
    """Set the number of layers whose tensors are not written to 0, with a warning.

    Such are DeepSeek's layers that predict several tokens ahead: transformers does not load them, and other
    software would look for them.

    Args:
        config: A configuration that the caller owns; it is changed.
        lost: Names of stored tensors that transformers does not load.
    """
    for _, inner in nested_configs(config):
        for name in MULTI_TOKEN_LAYERS:
            if lost and (asked := getattr(inner, name, 0)):
                setattr(inner, name, 0)
                logger.warning(
                    "%d tensors, such as %s, are of layers that transformers does not load: they are left "
                    "out, and %s becomes 0 instead of %s",
                    len(lost), lost[0], name, asked,
                )  # fmt: skip


def _write_shard(file: Path, names: dict[str, str], plan: TransplantPlan, out: Path) -> int:
    """Write one shard with its tables changed, and return the size of its tensors in bytes."""
    with safe_open(file, framework="pt") as weights:
        tensors = {
            stored: plan.copied(own, StoredRows(file, stored, tuple(weights.get_slice(stored).get_shape())))
            if plan.only_copies(own)
            else plan.change(own, weights.get_tensor(stored))
            for stored, own in names.items()
        }
        save_file(tensors, out, metadata={"format": "pt"})
        return sum(tensor.nbytes for tensor in tensors.values())
