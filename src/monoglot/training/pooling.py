"""From hidden states to sentence vectors, as sentence-transformers' folders say."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from monoglot.errors import ModelError
from monoglot.training.windows import PADDING


class Pooling(StrEnum):
    """What a sentence's vector is made of."""

    MEAN = "mean"
    """The mean of the last hidden states of all its tokens, special ones included."""
    CLS = "cls"
    """The last hidden state of its first token."""


MODES = {"pooling_mode_mean_tokens": Pooling.MEAN, "pooling_mode_cls_token": Pooling.CLS}
"""How sentence-transformers spells them; newer versions write ``pooling_mode`` with a name."""


def read_pooling(folder: Path) -> Pooling | None:
    """Read how a sentence-transformers folder pools; ``None`` if it is no such folder.

    Args:
        folder: The folder of a model, or the one with the transformer inside it.

    Raises:
        ModelError: If it pools in another way, or its files are damaged.
    """
    home = next((place for place in (folder, folder.parent) if (place / "modules.json").is_file()), None)
    if home is None:
        return None
    try:
        modules = json.loads((home / "modules.json").read_text(encoding="utf-8"))
        paths = [module["path"] for module in modules if module["type"].endswith("Pooling")]
        if not paths:
            return None
        settings = json.loads((home / paths[0] / "config.json").read_text(encoding="utf-8"))
        modes = [
            name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"the modules of {home} can't be read ({error}): fetch the model again") from error
    named = settings.get("pooling_mode")
    if named in tuple(Pooling):
        return Pooling(named)
    if len(modes) == 1 and modes[0] in MODES:
        return MODES[modes[0]]
    raise ModelError(
        f"{home} pools by {named or ' and '.join(modes) or 'nothing'}; "
        "expected mean or cls: distill hidden states instead (distill-hidden)"
    )


def pool(
    hidden: Float[Tensor, "windows tokens dim"],
    pieces: Int64[Tensor, "windows tokens"],
    positions: Int64[Tensor, "windows tokens"],
    pooling: Pooling,
    *,
    count: int,
) -> Float[Tensor, "pieces dim"]:
    """Compute the vector of each piece of some windows, scaled to length one, in float32.

    Args:
        hidden: Last hidden states.
        pieces: Which piece each token belongs to, see `Windows`.
        positions: Place of each token in its piece.
        pooling: What a vector is made of.
        count: How many pieces there are.
    """
    counted = pieces != PADDING
    if pooling is Pooling.CLS:
        counted &= positions == 0
    owner, states = pieces[counted], hidden[counted].float()
    # The mean and the sum point the same way.
    sums = torch.zeros(count, hidden.shape[-1], dtype=torch.float32, device=hidden.device)
    return normalize(sums.index_add(0, owner, states), dim=-1)
