"""Which parameters learn, at which rate, and low-rank adapters (LoRA, Hu et al. 2022) in their place."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import cos, pi
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot._hf import unwrapped_name
from monoglot.errors import SettingError
from monoglot.model.tables import find_tables
from monoglot.training import composition
from monoglot.training.schedule import DECAY, EMBEDDINGS_ALONE, TrainingSettings


@dataclass(frozen=True)
class Adapters:
    """A model whose body has adapters.

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


@dataclass(frozen=True)
class Selection:
    """Parameters of a model by how they are trained.

    Attributes:
        embeddings: Names of the vocabulary's tables, under all names they have.
        body: Names of the others that learn.
        frozen: Names of those that don't.
    """

    embeddings: frozenset[str]
    body: frozenset[str]
    frozen: frozenset[str]


def select(model: PreTrainedModel, settings: TrainingSettings) -> Selection:
    """Sort the parameters of a model.

    Args:
        model: The model.
        settings: Schedule and layers.

    Raises:
        SettingError: If a layer is wanted that the model does not have.
    """
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    embeddings = frozenset(find_tables(model).axes)
    body = [name for name in names if name not in embeddings]
    if settings.recipe.schedule in EMBEDDINGS_ALONE:
        learning: list[str] = []
    elif settings.layers:
        learning = _of_layers(body, settings.layers)
    else:
        learning = body
    return Selection(embeddings, frozenset(learning), frozenset(body) - frozenset(learning))


LAYER = re.compile(r"\.(?:layers?|h|block|albert_layer_groups)\.(\d+)\.")
"""The number of a layer in the name of its parameter."""


def _of_layers(body: Iterable[str], layers: Iterable[int]) -> list[str]:
    """Give the parameters of some layers."""
    numbers = {name: int(found.group(1)) for name in body if (found := LAYER.search(name))}
    if absent := sorted(set(layers) - set(numbers.values())):
        highest = max(numbers.values(), default=-1)
        raise SettingError(f"--layers {absent[0]}: the model has layers 0 to {highest}")
    return [name for name, number in numbers.items() if number in set(layers)]


ALPHA_PER_RANK = 2
"""The usual strength of an adapter."""


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


COMPOSITION = "composition."
"""What the names of a `Composition` begin with in a `ObjectiveWrapper`."""


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]], selection: Selection, settings: TrainingSettings
) -> list[dict[str, object]]:
    """The optimizer's groups: embeddings, what they have in common, the body's matrices, and its vectors.

    Args:
        named: The parameters as the trained module names them: with what wraps the model before their names.
        selection: Which are to learn.
        settings: Learning rates and weight decay.
    """
    groups: dict[str, list[nn.Parameter]] = {
        "embeddings": [],
        "composition": [],
        "matrices": [],
        "vectors": [],
    }
    for name, parameter in named:
        name = plain_name(name)
        if name in selection.embeddings:
            groups["embeddings"].append(parameter)
        elif name.startswith(COMPOSITION):
            groups["composition"].append(parameter)
        elif name in selection.body:
            groups["matrices" if parameter.ndim > 1 else "vectors"].append(parameter)
    rates = {"embeddings": settings.rate_of_embeddings, "composition": composition.RATE}
    return [
        {
            "name": name,
            "params": parameters,
            "lr": rates.get(name, settings.recipe.learning_rate),
            "weight_decay": settings.weight_decay if name == "matrices" else 0.0,
        }
        for name, parameters in groups.items()
        if parameters
    ]


def plain_name(name: str) -> str:
    """Give the name of a parameter in the model itself, without wrappers (objective, DDP, FSDP, compile)."""
    return unwrapped_name(name).removeprefix("module.").removeprefix("model.")


def rate_factor(decay: DECAY, steps: int, warmup_steps: int, frozen_steps: int = 0) -> Callable[[int], float]:
    """Compute the factor of a group's learning rate at a step.

    Args:
        decay: What becomes of it after the warm-up.
        steps: Steps of the run.
        warmup_steps: Steps in which it rises.
        frozen_steps: Steps before that, in which it is zero.
    """

    def factor(step: int) -> float:
        if step < frozen_steps:
            return 0.0
        done = step - frozen_steps
        if done < warmup_steps:
            return (done + 1) / (warmup_steps + 1)
        left = 1 - (done - warmup_steps) / max(1, steps - frozen_steps - warmup_steps)
        if decay == "linear":
            return max(0.0, left)
        return 0.5 * (1 + cos(pi * (1 - left))) if decay == "cosine" else 1.0

    return factor


def keep_rows(model: PreTrainedModel, new: Bool[Tensor, " rows"]) -> None:
    """Let only some rows of the vocabulary's tables learn.

    The others get no gradient, and so, without weight decay, never move by a bit.

    Args:
        model: The model to change.
        new: Which rows may learn.
    """
    tables = find_tables(model)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for table in tables.tables:
        parameter = parameters.get(table.names[0])
        if parameter is None:
            continue
        keep = torch.zeros(parameter.shape[table.axis], device=parameter.device)
        keep[: len(new)] = new.to(keep)
        shape = [1] * parameter.ndim
        shape[table.axis] = -1
        parameter.register_hook(_times(keep.view(shape)))


def _times(factor: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda gradient: gradient * factor.to(gradient)
