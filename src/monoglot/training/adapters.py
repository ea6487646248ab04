"""Low-rank adapters on the body (LoRA, Hu et al. 2022), through PEFT."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.errors import SettingError
from monoglot.training.parameters import Selection

ALPHA_PER_RANK = 2
"""The usual strength of an adapter."""


@dataclass(frozen=True)
class Adapters:
    """A model whose body is replaced by adapters.

    Attributes:
        selection: Its parameters: the adapters are what learns of the body.
        model: The model, which has them inside.
        peft: What PEFT knows of it.
    """

    selection: Selection
    model: PreTrainedModel
    peft: Any

    def merge(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add the adapters to the matrices, and give all weights by the names they had without."""
        self.model.load_state_dict(weights, strict=False)
        merged: PreTrainedModel = self.peft.merge_and_unload()
        parameters = {**dict(merged.named_parameters()), **dict(merged.named_buffers())}
        persistent = merged.state_dict()
        return {name: tensor.detach() for name, tensor in parameters.items() if name in persistent}


def with_adapters(model: PreTrainedModel, rank: int, selection: Selection, *, seed: int) -> Adapters:
    """Put adapters beside all matrices of the body.

    Args:
        model: The model, changed in place.
        rank: Rank of the adapters.
        selection: What was to learn; the matrices of its body get adapters.
        seed: Seed of the adapters' first weights.

    Raises:
        SettingError: If PEFT is not installed, or nothing of the body is to learn.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise SettingError("--lora-rank needs PEFT: pip install 'monoglot[lora]'") from error
    matrices = sorted(
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and f"{name}.weight" in selection.body
    )
    if not matrices:
        raise SettingError("--lora-rank has no matrices to work on: no layer of the body is to be trained")
    config = LoraConfig(r=rank, lora_alpha=ALPHA_PER_RANK * rank, target_modules=matrices)
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers, not for the user
        torch.manual_seed(seed)  # PEFT draws from the global generator
        peft = get_peft_model(model, config)
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    learning = frozenset(name for name in names if ".lora_" in name)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        parameter.requires_grad_(name in learning or name in selection.embeddings)
    body = frozenset(names) - selection.embeddings
    return Adapters(Selection(selection.embeddings, learning, body - learning), model, peft)
