"""Keeping the documents of a window apart: found out by trying what a model does, not by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.training.windows import PADDING, Windows

Ids = Int64[Tensor, "windows tokens"]
TOLERANCE = 1e-4
"""Largest difference, relative to the largest output, that is rounding and no influence."""


class Isolation(StrEnum):
    """How a model is told where documents end."""

    POSITIONS = "positions"
    """Positions that begin anew, from which transformers makes the mask (causal models, flash attention)."""
    MASK = "mask"
    """A mask from every token to every token."""
    MASKS_BY_LAYER = "masks by layer"
    """The same, narrower for layers that look at a neighbourhood only."""
    NONE = "none"
    """Documents see each other: the model takes nothing of the above (DeBERTa, T5)."""


@dataclass(frozen=True)
class Inputs:
    """Makes a model's arguments from packed windows.

    Attributes:
        isolation: How documents are kept apart.
        first_position: The position id of a document's first token; ``None`` where the model takes none.
        additive: Whether masks are added to scores (eager attention), not looked up.
        causal: Whether a token sees only those before it.
        neighborhood: How many tokens away the layers with a neighbourhood look, for ``MASKS_BY_LAYER``.
        extra: Further arguments of every call.
    """

    isolation: Isolation
    first_position: int | None
    additive: bool = False
    causal: bool = False
    neighborhood: int | None = None
    extra: tuple[tuple[str, Any], ...] = ()

    def __call__(self, ids: Ids, pieces: Ids, positions: Ids) -> dict[str, Any]:
        """Keyword arguments for the model.

        Args:
            ids: Token ids.
            pieces: Which piece each token belongs to, see `Windows`.
            positions: Place of each token in its piece.
        """
        given: dict[str, Any] = {"input_ids": ids, **dict(self.extra)}
        if self.first_position is not None and self.isolation is not Isolation.NONE:
            given["position_ids"] = positions + self.first_position
        if self.isolation is Isolation.NONE:
            given["attention_mask"] = (pieces != PADDING).long()
        elif self.isolation is not Isolation.POSITIONS:
            given["attention_mask"] = self._mask(pieces, positions)
        return given

    def _mask(self, pieces: Ids, positions: Ids) -> Tensor | dict[str, Tensor]:
        same = pieces[:, :, None] == pieces[:, None, :]
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


def tensors(windows: Windows) -> dict[str, Tensor]:
    """The part of windows that every objective needs, for `Inputs`."""
    names = ("ids", "pieces", "positions")
    return {name: torch.from_numpy(getattr(windows, name)) for name in names}


def find_inputs(model: PreTrainedModel, vocabulary: Int64[Tensor, " ids"]) -> Inputs:
    """Find how a model takes packed windows.

    Two short documents are put into one window; the way that gives each the outputs that it has alone is
    taken, the cheapest first.

    Args:
        model: The model, in any mode; it is not changed.
        vocabulary: Ordinary token ids to make documents of, at least eight.

    Returns:
        The way; with ``Isolation.NONE`` if there is no other.
    """
    mode = model.training
    model.eval()
    try:
        first, second = vocabulary[:8].to(model.device).split([3, 5])
        alone = [_hidden(model, {"input_ids": ids[None]}) for ids in (first, second)]
        if alone[0] is None or alone[1] is None:
            return Inputs(Isolation.NONE, None)
        expected = torch.cat([alone[0], alone[1]], dim=1)
        pieces = torch.tensor([[0] * 3 + [1] * 5], device=model.device)
        positions = torch.tensor([[0, 1, 2, 0, 1, 2, 3, 4]], device=model.device)
        for candidate in _candidates(model):
            found = _hidden(model, candidate(vocabulary[None, :8].to(model.device), pieces, positions))
            if found is not None and found.shape == expected.shape:
                difference = (found - expected).abs().max() / expected.abs().max()
                if difference <= TOLERANCE:
                    return candidate
        return Inputs(Isolation.NONE, None, extra=_extra(model))
    finally:
        model.train(mode)


def _candidates(model: PreTrainedModel) -> list[Inputs]:
    """All ways that a model may take, the cheapest first."""
    config = model.config.get_text_config()
    takes_positions = "position_ids" in inspect.signature(model.forward).parameters
    pad = getattr(config, "pad_token_id", None)
    firsts: list[int | None] = [0] if takes_positions else [None]
    if takes_positions and pad is not None:
        firsts.append(pad + 1)  # RoBERTa's positions start behind the pad token's id
    window = getattr(config, "local_attention", None) or getattr(config, "sliding_window", None)
    additive = getattr(config, "_attn_implementation", "eager") == "eager"
    ways: list[Inputs] = []
    for first in firsts:
        if first is not None:
            ways.append(Inputs(Isolation.POSITIONS, first, extra=_extra(model)))
        for causal in (False, True):
            shared: Mapping[str, Any] = {"additive": additive, "causal": causal, "extra": _extra(model)}
            if window:
                near = window - 1 if causal else window // 2
                ways.append(Inputs(Isolation.MASKS_BY_LAYER, first, neighborhood=near, **shared))
            ways.append(Inputs(Isolation.MASK, first, **shared))
    return ways


def _extra(model: PreTrainedModel) -> tuple[tuple[str, Any], ...]:
    """Without a cache: transformers sees documents in the positions only where there is none."""
    takes: Callable[..., Any] = model.forward
    return (("use_cache", False),) if "use_cache" in inspect.signature(takes).parameters else ()


@torch.no_grad()
def _hidden(model: PreTrainedModel, given: dict[str, Any]) -> Tensor | None:
    """The first output of a model; ``None`` if it refuses its arguments."""
    try:
        output: Tensor = model(**given)[0]
    except Exception:  # each model refuses in its own way what it does not take
        return None
    return output.float()
