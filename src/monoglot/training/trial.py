"""Running a model before it is trained, to find out how it takes inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from accelerate import PartialState
from jaxtyping import Int64
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.errors import SettingError, first_line
from monoglot.training.learning import is_sharded

TOLERANCE = 1e-4
BF16_TOLERANCE = 0.03
"""Largest difference, relative to the largest output, that is rounding: bf16 has eight bits."""
REFUSALS = (TypeError, ValueError, RuntimeError, LookupError, AttributeError, AssertionError)
"""What models raise, each in its own way, for arguments that they do not take."""


@dataclass(frozen=True)
class Trial:
    """How a model is run to find something out.

    Attributes:
        ids: Token ids to make inputs of, on the model's device.
        in_bf16: Whether matrix products are in bf16, because the model can't be run otherwise.
    """

    ids: Int64[Tensor, " ids"]
    in_bf16: bool

    def same(self, found: Tensor, expected: Tensor) -> bool:
        """Whether two outputs are equal up to rounding."""
        return self.distance(found, expected) <= (BF16_TOLERANCE if self.in_bf16 else TOLERANCE)

    @staticmethod
    def distance(found: Tensor, expected: Tensor) -> float:
        """The largest difference, relative to the largest output; infinite for another shape."""
        if found.shape != expected.shape:
            return math.inf
        size = expected.float().abs().max().clamp(min=torch.finfo(torch.float32).tiny)
        return float((found.float() - expected.float()).abs().max() / size)


@contextmanager
def trying(
    model: PreTrainedModel, vocabulary: Int64[Tensor, " ids"], *, bf16: bool = False
) -> Iterator[Trial]:
    """Run a model in evaluation mode, without gradients, on the device that will train it.

    It is run in float32, in which outputs can be told apart best; in bf16 if it can't be run in float32 (as
    with FlashAttention) and is to be trained so. A sharded model, which may not fit one device, stays where
    it is if it can be run there.

    Args:
        model: The model, which is where and as it was afterwards.
        vocabulary: Ordinary token ids.
        bf16: Whether it is to be trained with matrix products in bf16.

    Raises:
        SettingError: If it can't be run in any of these ways.
    """
    mode, home = model.training, model.device
    trained_on = PartialState().device
    devices = list(dict.fromkeys([home, trained_on] if is_sharded() else [trained_on]))
    model.eval()
    try:
        with torch.no_grad():
            device, in_bf16 = _conditions(model, vocabulary, devices, bf16=bf16)
            with torch.autocast(device.type, torch.bfloat16, enabled=in_bf16):
                yield Trial(vocabulary.to(device), in_bf16)
    finally:
        if model.device != home:
            model.to(home)  # type: ignore[arg-type]  # torch's stubs lack this overload
        model.train(mode)


def _conditions(
    model: PreTrainedModel, vocabulary: Int64[Tensor, " ids"], devices: list[torch.device], *, bf16: bool
) -> tuple[torch.device, bool]:
    """The device and precision in which a model can be run; it is moved to the device."""
    failures: list[tuple[str, Exception]] = []
    for device in devices:
        for in_bf16 in (False, True) if bf16 else (False,):
            try:
                if model.device != device:
                    model.to(device)  # type: ignore[arg-type]  # torch's stubs lack this overload
                with torch.autocast(device.type, torch.bfloat16, enabled=in_bf16):
                    model(input_ids=vocabulary[None, :8].to(device))
                return device, in_bf16
            except Exception as error:  # said below, if there is no other way to run the model
                failures.append((f"on {device.type} in {'bf16' if in_bf16 else 'float32'}", error))
    attention = getattr(model.config, "_attn_implementation", None) or "eager"
    tried = "; ".join(f"{where}: {first_line(error)}" for where, error in failures)
    remedy = "another --attention, such as sdpa or eager"
    if not bf16:
        remedy += ", or --precision bf16"
    raise SettingError(
        f"{type(model).__name__} can't be run with the attention '{attention}' ({tried}), so that it can't "
        f"be found out how it keeps documents apart: choose {remedy}"
    ) from failures[-1][1]
