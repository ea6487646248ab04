"""Whether matrix products are computed in bf16."""

from __future__ import annotations

import torch

from monoglot.training.settings import PRECISION


def uses_bf16(precision: PRECISION) -> bool:
    """Answer for a setting on this machine: ``auto`` takes bf16 where the hardware has it."""
    if precision != "auto":
        return precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # A processor without it would be slower than in float32.
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
