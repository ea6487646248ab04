"""By what names a checkpoint keeps the tensors of a model, which may be those of another class or version."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

from monoglot.model.weight_files import names_in


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
    transforms = get_model_conversion_mapping(structure)
    renamings = [entry for entry in transforms if isinstance(entry, WeightRenaming)]
    converters = [entry for entry in transforms if isinstance(entry, WeightConverter)]
    known = structure.state_dict()

    def own_name(stored: str) -> str | None:
        own, _ = rename_source_key(stored, renamings, converters, structure.base_model_prefix, known)
        if own not in known and stored in known:
            return stored
        return own if own in known else None

    return {file: {stored: own_name(stored) for stored in names_in(file)} for file in files}
