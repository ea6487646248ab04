"""Does a folder hold a whole model, with weights that are read? Told from names of files, in no time."""

from __future__ import annotations

from pathlib import Path

from monoglot.errors import ModelError
from monoglot.model.side_files import transformer_folder
from monoglot.untrusted import read_foreign_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
MERGE = "with merge_and_unload() of peft, and give the folder that save_pretrained() then writes"
OTHER_KINDS = {
    "gliner_config.json": "a GLiNER model, whose classes are not those of transformers",
}
"""Files by which kinds of folders are known that are no models of transformers."""
OTHER_FORMATS = (".gguf", ".onnx")
TOKENIZERS = ("tokenizer*", "vocab*", "*.model")


def has_tokenizer(folder: Path) -> bool:
    """Tell whether a folder has files of a tokenizer, whatever else it has."""
    return any(any(folder.glob(pattern)) for pattern in TOKENIZERS)


def check_whole(folder: Path) -> None:
    """Refuse folders that hold no whole model of transformers.

    Args:
        folder: What the user named.

    Raises:
        ModelError: If it is an adapter or has one beside the model, is of another kind, or lacks
            configuration or weights; with the way out.
    """
    for place in dict.fromkeys((folder, transformer_folder(folder))):
        if (place / ADAPTER).exists():
            raise ModelError(_adapter(place))
        for name, what in OTHER_KINDS.items():
            if (place / name).exists():
                raise ModelError(f"{place} holds {what} ({name}); expected a model of transformers.")
    check_weights(place)
    if not (place / "config.json").is_file():
        raise ModelError(
            f"{place} has no config.json; expected the folder of a Hugging Face model, with config.json, "
            f"{WEIGHTS} and the files of its tokenizer."
        )


def _adapter(place: Path) -> str:
    """Describe an adapter, and the model that it belongs to if it names that."""
    beside = "has an adapter beside the model" if (place / "config.json").exists() else "is an adapter"
    try:
        base = read_foreign_json(place / ADAPTER, ModelError).get("base_model_name_or_path")
    except ModelError:
        base = None
    into = f"its model, {base}," if base and isinstance(base, str) else "its model"
    return f"{place} {beside} ({ADAPTER}): merge it into {into} first, {MERGE}."


def check_weights(place: Path) -> None:
    """Refuse a folder whose weights are in other formats than safetensors, and in no other.

    Raises:
        ModelError: If so; that there are none at all is said by who reads them.
    """
    if (place / WEIGHTS).exists() or (place / INDEX).exists():
        return
    others = sorted({path.suffix for path in place.iterdir() if path.suffix in OTHER_FORMATS})
    if others or (place / "onnx").is_dir():
        raise ModelError(
            f"{place} has weights as {' and '.join(others) or 'onnx'} only; expected {WEIGHTS}: give the "
            "model that they were made from."
        )
    if pickles := sorted(place.glob("*.bin")):
        raise ModelError(
            f"The weights in {pickles[0]} are a pickle, which may run code; expected {WEIGHTS}: "
            "convert them once with from_pretrained() and save_pretrained() of transformers."
        )
