"""Private and unstable names of transformers, accelerate, tokenizers and torch: all uses, in one place.

Each function says why no public name serves, so that it can go when there is one. `tests/test_hf.py` calls
each of them and fails with a sentence that names the library and the function when an upgrade moves a name;
`pyproject.toml` caps the libraries at the versions for which these tests were run.

Nothing is imported before it is used: the classes of models take seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from transformers.utils import logging as transformers_logging

if TYPE_CHECKING:
    from torch import nn
    from transformers import (
        PreTrainedConfig,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        PreTrainedTokenizerFast,
    )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep the advice, warnings and progress bars of transformers off the user's terminal."""
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


# Models


@contextmanager
def on_meta_device() -> Iterator[None]:
    """Have classes of models built without memory for weights and without drawing any.

    ``PreTrainedModel`` has no public way to build a model on the meta device: constructors that compute
    buffers (rotary embeddings) fail there without the second of these contexts.
    """
    import torch
    from transformers.initialization import meta_device_safe_creation_ops, no_init_weights

    with torch.device("meta"), no_init_weights(), meta_device_safe_creation_ops():
        yield


def attention_of(model: PreTrainedModel) -> str:
    """Name of a model's implementation of attention, such as ``sdpa``.

    ``set_attn_implementation`` is public, but there is no public way to read what is set.
    """
    name: str | None = getattr(model.config, "_attn_implementation", None)
    return name or "eager"


def undivided_modules(model: PreTrainedModel) -> Any:
    """Names of the module classes that FSDP must not divide: accelerate looks for the attribute itself."""
    return getattr(model, "_no_split_modules", None)


def leave_out_when_saved(module: nn.Module, names: list[str]) -> None:
    """Have Trainer not warn of names that are absent from a checkpoint: tied tensors are stored once."""
    module._keys_to_ignore_on_save = names  # type: ignore[assignment]  # torch types attributes as modules


def draw_again(model: PreTrainedModel, module: nn.Module) -> None:
    """Draw the weights of one module as the model's class does.

    ``init_weights`` is public, but draws the whole model, and leaves alone what was loaded from a file.
    """
    for parameter in module.parameters(recurse=False):
        parameter._is_hf_initialized = False  # type: ignore[attr-defined]
    model._init_weights(module)


def has_class_for(auto_class: Any, config: PreTrainedConfig) -> bool:
    """Whether an auto class, such as ``AutoModelForTokenClassification``, knows a kind of model.

    The public way is to load the model and catch the error, after its weights were read.
    """
    return type(config) in auto_class._model_mapping


def classes_for(config: PreTrainedConfig, tasks: Iterable[str]) -> set[type[PreTrainedModel]]:
    """All classes of transformers for a kind of model.

    Args:
        config: The configuration.
        tasks: Names of heads as in ``MODEL_FOR_<task>_MAPPING``; the body's class is always among them.
    """
    from transformers.models.auto import modeling_auto

    mappings = [modeling_auto.MODEL_MAPPING]
    mappings += [getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING") for task in tasks]
    classes: set[Any] = set()
    for mapping in mappings:
        found = mapping.get(type(config), None)
        classes |= set(found if isinstance(found, tuple) else (found,))
    return classes - {None}


def language_model_classes(kind: Literal["MASKED_LM", "CAUSAL_LM"]) -> list[str]:
    """Names of all classes with a language-model head; an entry may have several."""
    from transformers.models.auto import modeling_auto

    names = getattr(modeling_auto, f"MODEL_FOR_{kind}_MAPPING_NAMES").values()
    return [one for each in names for one in ((each,) if isinstance(each, str) else each)]


def class_from_code(reference: str, folder: Path) -> Any:
    """A class that comes with a model as code; for callers whom the user has allowed to run it."""
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    return get_class_from_dynamic_module(reference, folder, local_files_only=True)


def loaded_name(structure: PreTrainedModel) -> Callable[[str], str]:
    """Give the function from the name of a stored tensor to the name under which it is loaded.

    Checkpoints of other versions and classes store other names; ``from_pretrained`` converts them, but tells
    nobody how, and reads all weights.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

    transforms = get_model_conversion_mapping(structure)
    renamings = [entry for entry in transforms if isinstance(entry, WeightRenaming)]
    converters = [entry for entry in transforms if isinstance(entry, WeightConverter)]
    known = structure.state_dict()

    def name_of(stored: str) -> str:
        own, _ = rename_source_key(stored, renamings, converters, structure.base_model_prefix, known)
        return str(own)

    return name_of


# Tokenizers


def named_special_tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Special tokens by role, as ``AddedToken`` with their properties.

    The public ``special_tokens_map`` has their texts only.
    """
    return {role: token for role, token in tokenizer._special_tokens_map.items() if token is not None}


def tokenizer_class(name: str) -> type[PreTrainedTokenizerBase] | None:
    """The tokenizer class of a name, as ``AutoTokenizer`` finds it; ``None`` if there is none."""
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    found: type[PreTrainedTokenizerBase] | None = tokenizer_class_from_name(name)
    return found


def tokenizer_class_name(model_type: str) -> str | None:
    """Name of the tokenizer class that ``AutoTokenizer`` takes for a type of model."""
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    name: str | None = TOKENIZER_MAPPING_NAMES.get(model_type)
    return name


# Processes and hardware


def has_process_group() -> bool:
    """Whether accelerate has met the other processes of a launch: making a ``PartialState`` would do so."""
    from accelerate import PartialState

    return bool(PartialState._shared_state)


def is_sharded() -> bool:
    """Whether ``accelerate launch`` was told to shard the model (FSDP); no public name tells it in time."""
    from accelerate.utils import parse_flag_from_env

    return bool(parse_flag_from_env("ACCELERATE_USE_FSDP"))


def processor_has_bf16() -> bool:
    """Whether the CPU multiplies matrices in bf16; torch has a public test for GPUs only."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
