"""Reads the rows of a tensor from its file, some at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from safetensors import safe_open
from torch import Tensor

BLOCK_ROWS = 1 << 14
"""Rows of a table that are read at a time."""


@dataclass(frozen=True)
class StoredRows:
    """The rows of a stored tensor, mapped anew at each access.

    What has been read of a mapped tensor counts as memory of the process for as long as the mapping lasts, so
    that a table which is read through takes as much as if it had been copied.

    Attributes:
        file: The safetensors file.
        name: The name in it.
        shape: The tensor's shape.
    """

    file: Path
    name: str
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Float[Tensor, " rows *features"]:
        """Map some neighboring rows."""
        with safe_open(self.file, framework="pt") as weights:
            found: Tensor = weights.get_slice(self.name)[rows]
            return found

    def take(self, ids: Int64[np.ndarray, " ids"]) -> Float[Tensor, " ids *features"]:
        """Copy rows, in any order."""
        taken = self[:0].new_empty((len(ids), *self.shape[1:]))
        for start in range(0, len(self), BLOCK_ROWS):
            places = np.flatnonzero((ids >= start) & (ids < start + BLOCK_ROWS))
            if len(places):
                block = self[start : start + BLOCK_ROWS]
                taken[torch.from_numpy(places)] = block[torch.from_numpy(ids[places] - start)]
        return taken
