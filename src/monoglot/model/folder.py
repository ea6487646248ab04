"""Loads and saves models with their tokenizers, as Hugging Face libraries keep them in folders."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from monoglot._hf import class_from_code, quiet_transformers
from monoglot.errors import ModelError
from monoglot.model.carried_templates import carry_templates
from monoglot.model.side_files import copy_side_files, transformer_folder
from monoglot.model.side_modules import carry_unknown_files, renumber_modules
from monoglot.model.stored_tensors import check_report, names_in, weight_files
from monoglot.model.tokenizer_folder import copy_tokenizer_class, load_tokenizer, warn_if_read_differently
from monoglot.model.whole_model import check_whole
from monoglot.untrusted import read_foreign_json, refusing


def load_model(folder: Path, *, trust_remote_code: bool = False) -> PreTrainedModel:
    """Load the class that the configuration names, with the dtype of the stored weights, in eval mode.

    Args:
        folder: A model folder, or a sentence-transformers folder around one.
        trust_remote_code: Whether to run a model's own Python code.

    Raises:
        ModelError: If there is no such model, its weights are incomplete or not safetensors, or its class is
            unknown or custom code that isn't trusted.
    """
    model: PreTrainedModel = _loaded(folder, trust_remote_code=trust_remote_code).eval()
    return model


def check_stored(folder: Path, *, trust_remote_code: bool = False) -> None:
    """Check that the stored tensors are those of the model, by loading their names and shapes alone.

    Raises:
        ModelError: As for ``load_model``.
    """
    _loaded(folder, trust_remote_code=trust_remote_code, device_map="meta")


def _loaded(folder: Path, *, trust_remote_code: bool, **more: Any) -> PreTrainedModel:
    folder = transformer_folder(folder)
    config = load_config(folder, trust_remote_code=trust_remote_code)
    model_class = find_class(folder, config, trust_remote_code=trust_remote_code)
    present = [name for file in weight_files(folder) for name in names_in(file)]
    options: dict[str, Any] = {"dtype": "auto", "use_safetensors": True, "local_files_only": True, **more}
    poolable = "add_pooling_layer" in inspect.signature(model_class.__init__).parameters
    if poolable and not any(name.startswith("pooler.") or ".pooler." in name for name in present):
        options["add_pooling_layer"] = False  # rather none, as in the checkpoint, than a random one
    # A model's own code or a damaged file may raise anything.
    problem, advice = f"The model in {folder} can't be loaded", "correct its config.json, or get it again"
    with refusing(ModelError, problem, advice), quiet_transformers():
        loaded: Any = model_class.from_pretrained(
            folder, config=config, output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
    model: PreTrainedModel = loaded[0]
    check_report(folder, model_class, config, loaded[1])
    return model


def load_config(folder: Path, *, trust_remote_code: bool = False) -> PreTrainedConfig:
    """Read the configuration of a model folder.

    Raises:
        ModelError: If there is none, it is damaged, or it needs custom code that isn't trusted.
    """
    file = folder / "config.json"
    if not file.is_file():
        check_whole(folder)
    content = read_foreign_json(file, ModelError)
    custom = "auto_map" in content
    named = content.get("architectures") or []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise ModelError(
            f"{file} has architectures {named!r:.60}; expected a list of class names: correct it."
        )
    if custom and not trust_remote_code:
        raise ModelError(
            f"The model in {folder} brings its own Python code, which is not run: "
            "allow it with trust_remote_code if you trust its origin."
        )
    with refusing(ModelError, f"{file} can't be read", "correct it"), quiet_transformers():
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code and custom, local_files_only=True
        )
        return config


def find_class(
    folder: Path, config: PreTrainedConfig, *, trust_remote_code: bool = False
) -> type[PreTrainedModel]:
    """The class that a configuration names, heads included.

    Raises:
        ModelError: If it names none, or one that the installed transformers doesn't have.
    """
    name = (config.architectures or [""])[0]
    reference = next(
        (
            reference
            for reference in (getattr(config, "auto_map", None) or {}).values()
            if isinstance(reference, str) and reference.endswith(f".{name}")
        ),
        None,
    )
    found: Any
    if reference and trust_remote_code:
        found = class_from_code(reference, folder)
    else:
        found = getattr(transformers, name, None) if name else None
    if not (inspect.isclass(found) and issubclass(found, PreTrainedModel)):
        raise ModelError(
            f"{folder / 'config.json'} names the architecture {name or 'none'!r}; expected a class of "
            f"transformers {transformers.__version__}: correct it or update transformers."
        )
    model_class: type[PreTrainedModel] = found
    return model_class


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, source_folder: Path, out: Path) -> None:
    """Write a model folder that every Hugging Face library can load.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        source_folder: Where the source model came from; its sentence-transformers modules are taken over.
        out: A new or empty folder.
    """
    with quiet_transformers():
        model.save_pretrained(inner_folder(source_folder, out))
    save_surroundings(tokenizer, source_folder, out)


def save_surroundings(
    tokenizer: PreTrainedTokenizerFast,
    source_folder: Path,
    out: Path,
    *,
    source_tokenizer: PreTrainedTokenizerFast | None = None,
) -> None:
    """Write all files of a model folder but weights and configurations; see ``save``.

    Args:
        tokenizer: The model's tokenizer.
        source_folder: Where the source model came from.
        out: The new folder.
        source_tokenizer: The source's tokenizer, if it has been read already.
    """
    inner = inner_folder(source_folder, out)
    with quiet_transformers():
        tokenizer.save_pretrained(inner)
    copy_side_files(source_folder, out)
    carry_templates(source_folder, out, tokenizer)
    carry_unknown_files(source_folder, out)
    old = load_tokenizer(source_folder) if source_tokenizer is None else source_tokenizer
    renumber_modules(source_folder, out, tokenizer, old)
    copy_tokenizer_class(tokenizer, transformer_folder(source_folder), inner)
    warn_if_read_differently(inner, tokenizer, source_folder)


def inner_folder(source_folder: Path, out: Path) -> Path:
    """Where in a new folder the transformer belongs; made if need be."""
    inner = out / transformer_folder(source_folder).relative_to(source_folder)
    inner.mkdir(parents=True, exist_ok=True)
    return inner
