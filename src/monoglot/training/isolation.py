"""How the documents of a packed window are kept apart, found by running the model.

The cheapest form of inputs that gives each document the hidden states that it has alone is taken: positions
that begin anew, lengths of documents (FlashAttention), or masks. Where none does, the documents of a window
see each other, with a warning; encoder-decoders are not tried.
"""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import torch
from accelerate import PartialState
from jaxtyping import Int64, Shaped
from torch import Tensor
from transformers import PreTrainedModel

from monoglot._hf import attention_of, is_sharded
from monoglot.errors import SettingError, first_line
from monoglot.training.packing import PADDING, Windows

logger = logging.getLogger(__name__)


BF16_TOLERANCE = 0.03
"""Largest difference, relative to the largest output, that is rounding: bf16 has eight bits."""
TOLERANCE = 1e-4


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
        """Tell whether two outputs are equal up to rounding."""
        return self.distance(found, expected) <= (BF16_TOLERANCE if self.in_bf16 else TOLERANCE)

    @staticmethod
    def distance(found: Tensor, expected: Tensor) -> float:
        """Compute the largest difference relative to the largest output; infinite for another shape."""
        if found.shape != expected.shape:
            return math.inf
        size = expected.float().abs().max().clamp(min=torch.finfo(torch.float32).tiny)
        return float((found.float() - expected.float()).abs().max() / size)


class Isolation(StrEnum):
    """How a model is told where documents end."""

    POSITIONS = "positions"
    """Positions that begin anew, from which transformers makes the mask (causal models)."""
    LENGTHS = "lengths"
    """The lengths of documents, all windows in one row: the form of FlashAttention."""
    MASK = "mask"
    """A mask from every token to every token."""
    MASKS_BY_LAYER = "masks by layer"
    """The same, narrower for layers that look at a neighborhood only."""
    NONE = "none"
    """Documents see each other: the model takes nothing of the above (DeBERTa, T5)."""


Ids = Int64[Tensor, "windows tokens"]


@dataclass(frozen=True)
class Inputs:
    """Makes a model's arguments from packed windows.

    Attributes:
        isolation: How documents are kept apart.
        first_position: The position id of a document's first token; ``None`` where the model takes none.
        additive: Whether masks are added to scores (eager attention), not looked up.
        causal: Whether a token sees only those before it.
        neighborhood: How many tokens away the layers with a neighborhood look, for ``MASKS_BY_LAYER``.
        extra: Further arguments of every call.
        needs_bf16: Whether the model can be run with matrix products in bf16 only.
        warning: What the user should know, as a sentence; empty if nothing.
    """

    isolation: Isolation
    first_position: int | None
    additive: bool = False
    causal: bool = False
    neighborhood: int | None = None
    extra: tuple[tuple[str, Any], ...] = ()
    needs_bf16: bool = False
    warning: str = ""

    def __call__(self, ids: Ids, segments: Ids, positions: Ids) -> dict[str, Any]:
        """Keyword arguments for the model.

        Args:
            ids: Token ids.
            segments: Which segment each token belongs to, see `Windows`.
            positions: Place of each token in its piece.
        """
        given: dict[str, Any] = {"input_ids": ids, **dict(self.extra)}
        if self.first_position is not None and self.isolation is not Isolation.NONE:
            given["position_ids"] = positions + self.first_position
        if self.isolation is Isolation.LENGTHS:
            return self._in_one_row(given, positions)
        if self.isolation is Isolation.NONE:
            given["attention_mask"] = (segments != PADDING).long()
        elif self.isolation is not Isolation.POSITIONS:
            given["attention_mask"] = self._mask(segments, positions)
        return given

    def by_window(
        self, states: Shaped[Tensor, "rows places *rest"], ids: Ids
    ) -> Shaped[Tensor, "windows tokens *rest"]:
        """What a model gives for these inputs, a row for each window.

        Args:
            states: An output for each token.
            ids: The token ids that the inputs were made of.
        """
        return states.reshape(*ids.shape, *states.shape[2:])

    def places(self, chosen: Int64[Tensor, "windows chosen"], ids: Ids) -> Int64[Tensor, "rows places"]:
        """Where in a model's output some places of each window are."""
        if self.isolation is not Isolation.LENGTHS:
            return chosen
        starts = torch.arange(len(ids), device=ids.device)[:, None] * ids.shape[1]
        return (chosen + starts).view(1, -1)

    @staticmethod
    def _in_one_row(given: dict[str, Any], positions: Ids) -> dict[str, Any]:
        """All windows in one row, and where in it documents begin."""
        given |= {name: given[name].view(1, -1) for name in ("input_ids", "position_ids") if name in given}
        begins = (positions.flatten() == 0).nonzero().flatten()
        ends = torch.nn.functional.pad(begins, (0, 1), value=positions.numel()).to(torch.int32)
        longest = int(ends.diff().max())
        lengths = {"cu_seq_lens_q": ends, "cu_seq_lens_k": ends, "max_length_q": longest}
        return given | lengths | {"max_length_k": longest}

    def _mask(self, segments: Ids, positions: Ids) -> Tensor | dict[str, Tensor]:
        same = segments[:, :, None] == segments[:, None, :]
        apart = positions[:, :, None] - positions[:, None, :]
        if self.causal:
            same &= apart >= 0
        if self.isolation is Isolation.MASK:
            return self._form(same)
        near = same & (apart.abs() <= (self.neighborhood or 0))
        return {"full_attention": self._form(same), "sliding_attention": self._form(near)}

    def _form(self, allowed: Tensor) -> Tensor:
        """With a dimension for heads, and as numbers to add where attention wants them."""
        allowed = allowed[:, None]
        if not self.additive:
            return allowed
        return torch.zeros(allowed.shape, device=allowed.device).masked_fill(
            ~allowed, torch.finfo(torch.float32).min
        )


REFUSALS = (TypeError, ValueError, RuntimeError, LookupError, AttributeError, AssertionError)
"""What models raise, each in its own way, for arguments that they do not take."""


def find_inputs(model: PreTrainedModel, vocabulary: Int64[Tensor, " ids"], *, bf16: bool = False) -> Inputs:
    """Find how a model takes packed windows.

    Short documents are put into two windows; the way that gives each the outputs that it has alone is taken,
    the cheapest first.

    Args:
        model: The model, in any mode; it is not changed.
        vocabulary: Ordinary token ids to make documents of, at least eight.
        bf16: Whether it is to be trained with matrix products in bf16.

    Returns:
        The way; with ``Isolation.NONE`` if there is no other, which is said in the log.

    Raises:
        SettingError: If it can't be found out, because the model can't be run; or if it is an implementation
            of attention that leaves no way, and another may.
    """
    if model.config.is_encoder_decoder:
        return Inputs(Isolation.NONE, None)
    with trial_runs(model, vocabulary, bf16=bf16) as trial:
        ids, segments, positions, documents = _windows(trial.ids)
        alone = [_hidden(model, {"input_ids": document[None]})[0] for document in documents]
        expected = torch.cat(alone).view(*ids.shape, -1)
        together = _hidden(model, {"input_ids": ids, **dict(_extra(model))})
        # In bf16 rounding may be as large as a small influence, which is then not to be taken for it.
        influence = trial.distance(together, expected)
        most = influence / 4 if trial.in_bf16 else math.inf
        refused: dict[Isolation, str] = {}
        for candidate in _candidates(model):
            try:
                found = candidate.by_window(_hidden(model, candidate(ids, segments, positions)), ids)
            except torch.OutOfMemoryError:
                raise
            except REFUSALS as error:  # what the model does not take
                refused[candidate.isolation] = first_line(error)
                continue
            if trial.same(found, expected) and trial.distance(found, expected) <= most:
                return replace(candidate, needs_bf16=trial.in_bf16)
    warning = _doubt(model, refused)
    logger.warning(warning)
    return Inputs(Isolation.NONE, None, extra=_extra(model), needs_bf16=trial.in_bf16, warning=warning)


@contextmanager
def trial_runs(
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
    attention = attention_of(model)
    tried = "; ".join(f"{where}: {first_line(error)}" for where, error in failures)
    remedy = "another --attention, such as sdpa or eager"
    if not bf16:
        remedy += ", or --precision bf16"
    raise SettingError(
        f"{type(model).__name__} can't be run with the attention '{attention}' ({tried}), so it can't be "
        f"tested how it keeps documents apart: choose {remedy}"
    ) from failures[-1][1]


def _windows(ids: Int64[Tensor, " ids"]) -> tuple[Ids, Ids, Ids, list[Tensor]]:
    """Make two windows of two documents each, and the documents."""
    first, second = ids[:8], ids[:8].flip(0)
    lengths = (3, 5, 4, 4)
    documents = [*first.split([3, 5]), *second.split([4, 4])]
    segments = torch.arange(4, device=ids.device).repeat_interleave(torch.tensor(lengths, device=ids.device))
    positions = torch.cat([torch.arange(length, device=ids.device) for length in lengths])
    return torch.stack([first, second]), segments.view(2, 8), positions.view(2, 8), documents


def _hidden(model: PreTrainedModel, given: dict[str, Any]) -> Tensor:
    """Run a model and give its first output."""
    output: Tensor = model(**given)[0]
    return output.float()


def _extra(model: PreTrainedModel) -> tuple[tuple[str, Any], ...]:
    """Without a cache: transformers sees documents in the positions only where there is none."""
    takes: Callable[..., Any] = model.forward
    return (("use_cache", False),) if "use_cache" in inspect.signature(takes).parameters else ()


def _candidates(model: PreTrainedModel) -> list[Inputs]:
    """List the forms of inputs that a model may take, the cheapest first."""
    config = model.config.get_text_config()
    takes_positions = "position_ids" in inspect.signature(model.forward).parameters
    pad = getattr(config, "pad_token_id", None)
    firsts: list[int | None] = [0] if takes_positions else [None]
    if takes_positions and pad is not None:
        firsts.append(pad + 1)  # RoBERTa's positions start behind the pad token's id
    window = getattr(config, "local_attention", None) or getattr(config, "sliding_window", None)
    attention = attention_of(model)
    additive = attention == "eager"
    ways: list[Inputs] = []
    for first in firsts:
        if first is not None:
            ways.append(Inputs(Isolation.POSITIONS, first, extra=_extra(model)))
        if attention not in ("eager", "sdpa"):
            ways.append(Inputs(Isolation.LENGTHS, first, extra=_extra(model)))
        for causal in (False, True):
            shared: Mapping[str, Any] = {"additive": additive, "causal": causal, "extra": _extra(model)}
            if window:
                near = window - 1 if causal else window // 2
                ways.append(Inputs(Isolation.MASKS_BY_LAYER, first, neighborhood=near, **shared))
            ways.append(Inputs(Isolation.MASK, first, **shared))
    return ways


def _doubt(model: PreTrainedModel, refused: Mapping[Isolation, str]) -> str:
    """Explain that documents will see each other; refuse it where another attention may keep them apart."""
    attention = attention_of(model)
    reasons = "; ".join(f"{way.value}: {reason}" for way, reason in refused.items())
    found = f"{type(model).__name__} keeps the documents of a window apart in no way that is known"
    if attention not in ("eager", "sdpa"):
        raise SettingError(
            f"{found} with the attention '{attention}' ({reasons or 'outputs differ'}): choose "
            "--attention sdpa or eager"
        )
    return (
        f"{found} ({reasons or 'outputs differ'}): documents in one window will attend to each other during "
        "training."
    )


def tensors(windows: Windows) -> dict[str, Tensor]:
    """Give the tensors of windows that every objective needs."""
    names = ("ids", "segments", "positions")
    return {name: torch.from_numpy(getattr(windows, name)) for name in names}
