"""Loads a model under a new head, and standardizes what the head is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import transformers
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot._hf import draw_again, has_class_for, quiet_transformers
from monoglot.errors import ModelError
from monoglot.model.folder import load_config
from monoglot.model.hidden_states import change_input, recorded_inputs
from monoglot.model.side_files import transformer_folder


def load_with_head(
    folder: Path,
    head: str,
    labels: Sequence[str],
    tokenizer: PreTrainedTokenizerFast,
    *,
    trust_remote_code: bool = False,
) -> tuple[PreTrainedModel, frozenset[str]]:
    """Load a model under a new head, in float32.

    Args:
        folder: The model.
        head: The class of transformers' ``Auto…`` that has the head.
        labels: The classes that it tells apart.
        tokenizer: Its tokenizer.
        trust_remote_code: Whether code that comes with the model may run.

    Returns:
        The model, and the names of the parameters that are new: the head, which is drawn also if the files
        have a trained one, and a pooler under it if they have none.

    Raises:
        ModelError: If transformers has no such head for it, or its files don't fit it.
    """
    folder = transformer_folder(folder)
    config = load_config(folder, trust_remote_code=trust_remote_code)
    auto_class = getattr(transformers, head)
    if not has_class_for(auto_class, config):
        raise ModelError(
            f"transformers has no {head.removeprefix('AutoModelFor')} head for models of type "
            f"'{config.model_type}', which the task needs: choose another model or task."
        )
    config.problem_type = None  # that of a head that the model had before
    # A place has a beginning and an end, however many classes the model told apart before.
    config.num_labels = len(labels) or 2
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: i for i, label in enumerate(labels)}
    if config.get_text_config().pad_token_id is None:  # decoders find the last token by it
        config.get_text_config().pad_token_id = tokenizer.pad_token_id
    with quiet_transformers():
        model, loading = auto_class.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=trust_remote_code and "auto_map" in vars(config),
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # of a head that the model had before; other tensors are refused
        )
    other = frozenset(name for name, *_ in loading["mismatched_keys"])
    if body := sorted(name for name in other if name.startswith(f"{model.base_model_prefix}.")):
        raise ModelError(f"the stored tensor '{body[0]}' has another shape than {type(model).__name__}'s")
    new = frozenset(loading["missing_keys"]) | other
    return model, new | _renewed(model, new)


def _renewed(model: PreTrainedModel, new: frozenset[str]) -> frozenset[str]:
    """Draw a trained head again, and give the names of its parameters.

    Args:
        model: A model under a head.
        new: The parameters that were drawn when it was loaded.
    """
    body = f"{model.base_model_prefix}."
    names = set()
    for place, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        trained = [name for name in own if f"{place}.{name}" not in new]
        if not place or not trained or f"{place}.".startswith(body):
            continue
        draw_again(model, module)
        names |= {f"{place}.{name}" for name in own}
    return frozenset(names)


LEAST_DEVIATION = 0.1
"""Of the size of the states: were less than that made one, each step of the body would turn answers over."""


@torch.no_grad()
def standardize_inputs(model: PreTrainedModel, new: frozenset[str], batch: Mapping[str, Tensor]) -> None:
    """Standardize what a new head is given: ``(x - mean) / deviation`` for each hidden state ``x``.

    The states of a contrastively trained encoder lie in a narrow cone: what they have in common is many times
    what tells them apart. A head that begins with noise sees the common part alone, and learns for hundreds
    of steps to take it off. Mean (a vector) and deviation (a number) are those of one batch, and stay.

    Args:
        model: A model under a new head; a hook is added to the first layer of the head.
        new: Names of the parameters that are new.
        batch: Inputs as the model takes them, of different texts.

    Reference: what a common direction of all vectors does to similarities, Ethayarajh 2019 (arXiv 1909.00512)
    and Mu & Viswanath 2018 (arXiv 1702.01417), who take it off.
    """
    layers = [
        module
        for name, module in model.named_modules()
        if f"{name}.weight" in new and isinstance(module, nn.Linear)
    ]
    was_training = model.training
    with recorded_inputs(layers) as calls:
        model.eval()(**{name: values.to(model.device) for name, values in batch.items()})
    model.train(was_training)
    if not calls:
        return
    layer, states = calls[0][0], calls[0][1].detach().float()
    mask = batch["attention_mask"].to(states.device).bool()
    # A head for words is given the states of padding as well, one for texts a single state of each.
    rows = states[mask] if states.shape[:-1] == mask.shape else states.flatten(0, -2)
    mean = rows.mean(dim=0)
    size = float(rows.square().mean().sqrt())
    deviation = max(float((rows - mean).square().mean().sqrt()), LEAST_DEVIATION * size, 1e-6)
    change_input(layer, lambda given: (given.float() - mean.to(given.device)) / deviation)
