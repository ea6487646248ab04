"""The structure of a model without its weights, as its class builds it from a configuration."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.initialization import meta_device_safe_creation_ops, no_init_weights

from monoglot.errors import ModelError
from monoglot.model.quiet import quiet_transformers
from monoglot.untrusted import refusing


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
        torch.device("meta"),
        no_init_weights(),
        meta_device_safe_creation_ops(),
    ):
        return model_class(config)


def named_tensors(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Every parameter and buffer under every name it has, tied ones under each of their names."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def nested_configs(config: PreTrainedConfig) -> Iterator[tuple[str, PreTrainedConfig]]:
    """The configuration itself and those inside it, each with its path (``text_config.``)."""
    yield "", config
    for name, value in vars(config).items():
        if isinstance(value, PreTrainedConfig):
            yield from ((f"{name}.{path}", inner) for path, inner in nested_configs(value))
