"""Refuses folders that hold no whole model, and carries modules and files of unknown use."""

from __future__ import annotations

import json
import logging
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers import PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.model.side_files import sentence_modules, transformer_folder
from monoglot.model.token_ids import ONE_ID, Renumbering
from monoglot.model.whole_model import check_whole
from monoglot.untrusted import read_foreign_json

logger = logging.getLogger(__name__)

QUANTIZED = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")
NOT_FLOATING = frozenset(("I8", "U8", "F8_E4M3", "F8_E5M2", "F4", "F8_E8M0"))
SAME_FOR_ANY_VOCABULARY = (
    "Transformer", "MLMTransformer", "Pooling", "Normalize", "Dense", "Dropout", "LayerNorm",
    "WeightedLayerPooling", "CNN", "LSTM",
)  # fmt: skip
WITH_IDS = ("LogitScore", "SpladePooling")
"""Modules of sentence-transformers whose settings hold ids or the vocabulary's size, which follow."""
SIZE = "word_embedding_dimension"
OTHER_WEIGHTS = (
    "pytorch_model*",
    "tf_model*",
    "flax_model*",
    "rust_model*",
    "*.onnx",
    "*.gguf",
    "*.msgpack",
    "*.h5",
)
KNOWN = (
    "*.json", "*.safetensors", "*.jinja", "*.py", "vocab.txt", "merges.txt", "*.model", "*.md", ".git*",
    "LICENSE*",
    "NOTICE*",
    "*.png", "*.jpg", "*.svg", "*.npy", *OTHER_WEIGHTS,
)  # fmt: skip


def check_kind(folder: Path) -> None:
    """Refuse folders that hold no whole, unquantized model of transformers, each by its name.

    Args:
        folder: What the user named.

    Raises:
        ModelError: If it is an adapter or has one beside the model, is quantized, or is of another kind; with
            the way out.
    """
    modules = [(kind.rpartition(".")[2], path) for kind, path in sentence_modules(folder)]
    for kind, _ in modules:
        if kind not in (*SAME_FOR_ANY_VOCABULARY, *WITH_IDS):
            raise ModelError(
                f"{folder} has a sentence-transformers module {kind}, which may depend on the vocabulary "
                f"in a way unknown here; expected {', '.join((*SAME_FOR_ANY_VOCABULARY, *WITH_IDS))}."
            )
    check_whole(folder)
    for place in dict.fromkeys((folder, transformer_folder(folder))):
        _check_numbers(place)


def renumber_modules(
    source: Path, out: Path, tokenizer: PreTrainedTokenizerFast, old: PreTrainedTokenizerFast
) -> None:
    """Renumber ids and sizes in the settings of sentence-transformers modules that have some.

    Args:
        source: The source model's folder.
        out: The new model's folder, with the modules copied.
        tokenizer: The new tokenizer.
        old: The source's.

    Raises:
        ModelError: If a module needs a token that the new tokenizer lacks.
    """
    ids = Renumbering(old, tokenizer)
    for kind, path in sentence_modules(source):
        file = out / path.relative_to(source) / "config.json"
        if kind.rpartition(".")[2] not in WITH_IDS or not file.is_file():
            continue
        content: dict[str, Any] = read_foreign_json(file, ModelError)
        for name, value in content.items():
            if name == SIZE and isinstance(value, int):
                rows = read_foreign_json(transformer_folder(out) / "config.json", ModelError).get(
                    "vocab_size"
                )
                content[name] = rows or len(tokenizer)
            elif ONE_ID.search(name) and isinstance(value, int):
                new = ids.new_id(value)
                if new is None:
                    raise ModelError(
                        f"{name} of {path / 'config.json'} is {value} "
                        f"({old.convert_ids_to_tokens(value)}), which the new tokenizer lacks: name it with "
                        "--keep-tokens."
                    )
                content[name] = new
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def carry_unknown_files(source: Path, out: Path) -> tuple[str, ...]:
    """Copy files of unknown use, unread, and name them.

    bge-m3's ``sparse_linear.pt`` is one. Weights in other formats are those of the old vocabulary, and stay.

    Args:
        source: The source model's folder.
        out: The new model's folder.

    Returns:
        Their names.
    """
    unknown = [
        path
        for path in sorted(source.iterdir())
        if path.is_file() and not any(fnmatchcase(path.name, name) for name in KNOWN)
    ]
    for path in unknown:
        shutil.copyfile(path, out / path.name)
    if unknown:
        logger.warning(
            "%s: copied unchanged, because monoglot does not know their purpose; check whether they depend "
            "on the vocabulary",
            ", ".join(path.name for path in unknown),
        )
    return tuple(path.name for path in unknown)


def _check_numbers(place: Path) -> None:
    """Refuse weights that are quantized, or static embeddings."""
    config = read_foreign_json(place / "config.json", ModelError) if (place / "config.json").is_file() else {}
    if config.get("model_type") == "model2vec" or "StaticModel" in str(config.get("architectures")):
        raise ModelError(f"{place} has static embeddings (model2vec) and no transformer to change.")
    quantized = next((name for name in QUANTIZED if (place / name).exists()), None)
    if quantized is None and _has_key(config, "quantization_config"):
        quantized = "quantization_config in config.json"
    if quantized is None:
        quantized = next(
            filter(None, (_quantized_tensor(file) for file in sorted(place.glob("*.safetensors")))), None
        )
    if quantized:
        raise ModelError(
            f"{place} is quantized ({quantized}), so its embeddings can't be mixed; give the model that "
            "it was made from, and quantize the result."
        )


def _has_key(content: Any, key: str) -> bool:
    if isinstance(content, dict):
        return content.get(key) is not None or any(_has_key(inner, key) for inner in content.values())
    return isinstance(content, list) and any(_has_key(inner, key) for inner in content)


def _quantized_tensor(file: Path) -> str | None:
    """The first tensor of small integers or 8-bit numbers; damaged files are refused when they are read."""
    try:
        with safe_open(file, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - no mapping
                if weights.get_slice(name).get_dtype() in NOT_FLOATING and "position" not in name:
                    return str(name)
    except (SafetensorError, OSError):
        return None
    return None
