"""Private and unstable names of other libraries: every use of one stands in this file.

Each function says why no public name serves, and what breaks in monoglot if the name vanishes. When an
upgrade has moved a name, `tests/test_hf.py` fails with a sentence that names the library, its version and the
function to fix. It also fails if another file uses such a name. `pyproject.toml` caps the libraries at the
versions that passed these tests.

Libraries are imported where they are used: the classes of models take seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from transformers.utils import logging as transformers_logging

if TYPE_CHECKING:
    import numpy as np
    import torch
    from jaxtyping import Float32
    from torch import nn
    from transformers import (
        PreTrainedConfig,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep the advice, warnings and progress bars of transformers off the user's terminal.

    The logging functions are documented, but none switches both off for a ``with`` block. If one vanishes,
    nothing can be loaded or saved.
    """
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
    """Build models without memory for weights and without drawing any.

    ``PreTrainedModel`` has no public way to build a model on the meta device: constructors that compute
    buffers (rotary embeddings) fail there without ``meta_device_safe_creation_ops``. If it vanishes, no model
    can be specialized: tables are found on the meta device.
    """
    import torch
    from transformers.initialization import meta_device_safe_creation_ops, no_init_weights

    with torch.device("meta"), no_init_weights(), meta_device_safe_creation_ops():
        yield


def attention_of(model: PreTrainedModel) -> str:
    """Name of a model's implementation of attention, such as ``sdpa``.

    ``set_attn_implementation`` is public, but there is no public way to read what is set. If the name
    vanishes, every model counts as ``eager``, and packed documents may see each other with FlashAttention.
    """
    name: str | None = getattr(model.config, "_attn_implementation", None)
    return name or "eager"


def keep_layers_whole(wrapper: nn.Module, model: PreTrainedModel) -> None:
    """Tell FSDP which classes of a model's modules it must not divide, through a module around the model.

    accelerate reads the private attribute of the module that it wraps. If the name vanishes, sharded training
    wraps the whole model as one unit and needs the memory of one.
    """
    wrapper._no_split_modules = getattr(model, "_no_split_modules", None)  # type: ignore[assignment]


def leave_out_when_saved(module: nn.Module, names: list[str]) -> None:
    """Tell ``Trainer`` which names a checkpoint lacks on purpose: tied tensors are stored once.

    Only this attribute is read. If the name vanishes, ``Trainer`` warns of missing keys whenever a run
    resumes.
    """
    module._keys_to_ignore_on_save = names  # type: ignore[assignment]  # torch types attributes as modules


def draw_again(model: PreTrainedModel, module: nn.Module) -> None:
    """Draw the weights of one module in the way that the model's class does.

    ``init_weights`` is public, but draws the whole model, and leaves alone what was loaded from a file. If
    the names vanish, heads of tasks can't be drawn from the seed of a run.
    """
    for parameter in module.parameters(recurse=False):
        parameter._is_hf_initialized = False  # type: ignore[attr-defined]
    model._init_weights(module)


def has_class_for(auto_class: Any, config: PreTrainedConfig) -> bool:
    """Whether an auto class, such as ``AutoModelForTokenClassification``, knows a kind of model.

    The public way is to load the model and catch the error, after its weights were read. If the name
    vanishes, tasks can't be fine-tuned.
    """
    return type(config) in auto_class._model_mapping


def classes_for(config: PreTrainedConfig, tasks: Iterable[str]) -> set[type[PreTrainedModel]]:
    """All classes of transformers for a kind of model.

    The auto classes are public, but their mappings stand in an undocumented module. If it vanishes, weights
    of another head can't be told from tensors that would be lost.

    Args:
        config: The configuration.
        tasks: Names of heads as in ``MODEL_FOR_<task>_MAPPING``; the body's class is always among the
            classes.
    """
    from transformers.models.auto import modeling_auto

    mappings = [modeling_auto.MODEL_MAPPING]
    mappings += [getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING") for task in tasks]
    classes: set[Any] = set()
    for mapping in mappings:
        found = mapping.get(type(config), None)
        classes |= set(found if isinstance(found, tuple) else (found,))
    return classes - {None}


CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel")
"""Ends of the names of classes that predict the next token."""


def language_model_classes(kind: Literal["MASKED_LM", "CAUSAL_LM"]) -> list[str]:
    """Names of all classes with a language-model head; an entry of the mapping may have several.

    The mapping stands in an undocumented module. If it vanishes, no objective suits any model.
    """
    from transformers.models.auto import modeling_auto

    names = getattr(modeling_auto, f"MODEL_FOR_{kind}_MAPPING_NAMES").values()
    return [one for each in names for one in ((each,) if isinstance(each, str) else each)]


def only_predicts_next(model_type: str) -> bool:
    """Whether models of a type can have a head that predicts the next token, and none that fills masks.

    The mappings stand in an undocumented module. If one vanishes, decoders can't be told from encoders.
    """
    from transformers.models.auto import modeling_auto

    causal, masked = (
        getattr(modeling_auto, f"MODEL_FOR_{kind}_MAPPING_NAMES") for kind in ("CAUSAL_LM", "MASKED_LM")
    )
    return model_type in causal and model_type not in masked


def class_from_code(reference: str, folder: Path) -> Any:
    """Load a class from the code that comes with a model; for callers whom the user has allowed to run it.

    The auto classes load such code too, but only with the weights. If the name vanishes, models with their
    own code can't be opened.
    """
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    return get_class_from_dynamic_module(reference, folder, local_files_only=True)


def loaded_name(structure: PreTrainedModel) -> Callable[[str], str]:
    """Give the function from the name of a stored tensor to the name under which it is loaded.

    Checkpoints of other versions and classes store other names; ``from_pretrained`` converts them, but does
    not report how, and reads all weights. If the names vanish, no checkpoint can be transplanted shard by
    shard.
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

    The public ``special_tokens_map`` has their texts only. If the name vanishes, new tokenizers lose the
    roles of special tokens.
    """
    return {role: token for role, token in tokenizer._special_tokens_map.items() if token is not None}


def tokenizer_class(name: str) -> type[PreTrainedTokenizerBase] | None:
    """The tokenizer class of a name, as ``AutoTokenizer`` finds it; ``None`` if there is none.

    ``AutoTokenizer`` finds it only while it loads a tokenizer. If the name vanishes, names of inputs and
    special tokens that a class has by default are lost.
    """
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    found: type[PreTrainedTokenizerBase] | None = tokenizer_class_from_name(name)
    return found


def tokenizer_class_name(model_type: str) -> str | None:
    """Name of the tokenizer class that ``AutoTokenizer`` takes for a type of model.

    As for ``tokenizer_class``, where a folder names no class itself.
    """
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    name: str | None = TOKENIZER_MAPPING_NAMES.get(model_type)
    return name


def sentencepiece_proto() -> Any:
    """An empty model of SentencePiece, as the protocol buffer that its files hold.

    SentencePiece ships the class but documents only training and loading. If it vanishes, Unigram tokenizers
    can't be turned into SentencePiece's own encoder, which is several times faster.
    """
    from sentencepiece import sentencepiece_model_pb2

    return sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # protobuf makes it at import


# Training


def scheduler_is_made(trainer: Trainer) -> None:
    """Tell ``Trainer`` that it has made the scheduler that a subclass made in ``create_scheduler``.

    ``Trainer`` then makes a new one for another run, as it does for its own. If the name vanishes, a second
    ``train()`` of one trainer continues the finished schedule of the first.
    """
    trainer._created_lr_scheduler = True


def unwrapped_name(name: str) -> str:
    """A parameter's name without the prefixes that FSDP and ``torch.compile`` put before each wrapped module.

    Neither has a public function for names. If a prefix changes, parameters of wrapped models fall into the
    wrong group, with another learning rate.
    """
    for prefix in ("_fsdp_wrapped_module.", "_orig_mod."):
        name = name.replace(prefix, "")
    return name


# Processes and hardware


def has_process_group() -> bool:
    """Whether accelerate has met the other processes of a launch.

    Making a ``PartialState``, the public way to ask, would wait for them. If the name vanishes, training in
    several processes can't start.
    """
    from accelerate import PartialState

    return bool(PartialState._shared_state)


def compute_on(device: torch.device) -> None:
    """Have accelerate compute on one device, in a process that is not one of several.

    ``PartialState`` keeps the device that it found first, and ``Trainer`` the one of the run before. If the
    names vanish, ``--device`` has no effect on a training that follows another in one process.
    """
    import torch
    from accelerate import PartialState
    from accelerate.state import AcceleratorState

    if PartialState._shared_state and PartialState().num_processes > 1:
        return
    AcceleratorState._reset_state(reset_partial_state=True)
    PartialState(cpu=device.type == "cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device if device.index is not None else torch.cuda.current_device())


def train_on(arguments: TrainingArguments, device: torch.device) -> None:
    """Have ``Trainer`` train on one device, in a process that is not one of several.

    It takes the first GPU, and all others in ``nn.DataParallel``, so that batches are larger than asked for;
    only variables of the environment that are set before CUDA starts say otherwise. If the names vanish,
    ``--device cuda:1`` trains on the first GPU.
    """
    import torch

    arguments.__dict__["_setup_devices"] = device
    arguments._n_gpu = 1
    if device.type == "cuda":
        torch.cuda.set_device(device)


def reporting_callbacks(tool: str) -> list[Callable[[], object]]:
    """Find the callbacks of a tool that records trainings, such as ``tensorboard``.

    `transformers.Trainer` looks for them when it is made, after the corpus has been read. The function is in
    a module that no manual names. If it vanishes, nothing can be trained.

    Raises:
        ValueError: If transformers does not know the tool.
    """
    from transformers.integrations.integration_utils import get_reporting_integration_callbacks

    return list(get_reporting_integration_callbacks([tool]))


def recorder_names() -> list[str]:
    """Name the tools that record trainings, for a list of the command line; see `reporting_callbacks`."""
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    return sorted(INTEGRATION_TO_CALLBACK)


def is_sharded() -> bool:
    """Whether ``accelerate launch`` was told to shard the model (FSDP).

    Public names tell it only once the ``Accelerator`` is made. The variable of the environment is set by
    ``accelerate launch``; if it vanishes, sharded runs fail when they score or save.
    """
    from accelerate.utils import parse_flag_from_env

    return bool(parse_flag_from_env("ACCELERATE_USE_FSDP"))


def processor_has_bf16() -> bool:
    """Whether the CPU multiplies matrices in bf16.

    torch has a public test for GPUs only. If the name vanishes, ``--precision auto`` fails on CPUs.
    """
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


# fastText


@dataclass(frozen=True)
class FastTextModel:
    """A fastText model behind the C++ binding ``fasttext_pybind``, which is not documented.

    The public ``train_unsupervised`` takes no seed. If the binding changes, the fastText engines and vectors
    from fastText's binary files fail.

    Attributes:
        binding: The binding's model.
    """

    binding: Any

    @classmethod
    def train(cls, text: Path, model: Literal["cbow", "skipgram"], **settings: float) -> FastTextModel:
        """Train by negative sampling.

        Args:
            text: File with the training text, tokens separated by spaces.
            model: How words are predicted.
            settings: Values by the binding's names: ``dim``, ``epoch``, ``minCount``, ``seed``, ``thread``.
        """
        import fasttext_pybind

        arguments = fasttext_pybind.args()
        arguments.input = str(text)
        arguments.model = getattr(fasttext_pybind.model_name, model)
        arguments.loss = fasttext_pybind.loss_name.ns
        for name, value in settings.items():
            setattr(arguments, name, value)
        arguments.verbose = 0
        trained = fasttext_pybind.fasttext()
        fasttext_pybind.train(trained, arguments)
        return cls(trained)

    @classmethod
    def load(cls, path: Path) -> FastTextModel:
        """Load a binary file of fastText.

        Raises:
            ValueError: If the file can't be opened or is of another kind.
            RuntimeError: If it is damaged.
        """
        import fasttext_pybind

        model = fasttext_pybind.fasttext()
        model.loadModel(str(path))
        return cls(model)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        dim: int = self.binding.getArgs().dim
        return dim

    @property
    def words(self) -> frozenset[str]:
        """The words that the model was trained on."""
        return frozenset(self.binding.getVocab("strict")[0])

    def knows(self, word: str) -> bool:
        """Whether the model was trained on a word; of others it knows n-grams only."""
        return bool(self.binding.getWordId(word) >= 0)

    def vector(self, word: str) -> Float32[np.ndarray, " dim"]:
        """The vector of a word, made of its n-grams if the model does not know the word."""
        import fasttext_pybind
        import numpy as np

        vector = fasttext_pybind.Vector(self.dim)
        self.binding.getWordVector(vector, word)
        return np.array(vector, dtype=np.float32)
