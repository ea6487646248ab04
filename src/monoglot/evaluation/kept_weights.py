"""Whether a model has the weights of the one it was made from, but for the rows of new tokens.

Outputs on a few texts show only the rows of the tokens in them; here every row is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from jaxtyping import Float, Int64
from safetensors import safe_open
from torch import Tensor

from monoglot.model.checkpoint import Checkpoint
from monoglot.model.stored_rows import BLOCK_ROWS, StoredRows
from monoglot.model.tables import SUMMED


@dataclass(frozen=True)
class KeptWeights:
    """What was found.

    Attributes:
        rows: Kept tokens whose rows were compared, in every table.
        tensors: Other tensors that were compared.
        fault: The first difference, in a sentence; empty if there is none.
        left_out: Names of tensors of the original that were not compared: the model does not have them, or
            in another shape.
    """

    rows: int
    tensors: int
    fault: str = ""
    left_out: tuple[str, ...] = ()


def compare_weights(
    source: Checkpoint, made: Checkpoint, source_of: Int64[np.ndarray, " target"]
) -> KeptWeights:
    """Compare the rows of kept tokens in all tables, and all other tensors, for exact equality.

    A tensor whose shape changed without being a table, such as positions that are counted from another
    padding token, is left out: only outputs tell whether it is right. O(size of both models), in blocks.

    Args:
        source: The original model.
        made: The model that was made from it.
        source_of: The source id of each target id; -1 for new ones.
    """
    axes, places = made.tables.axes, _stored(made)
    kept = np.flatnonzero(source_of >= 0)
    tensors, fault, left_out = 0, "", []
    for name, parts in _stored(source).items():
        for before, after in zip_longest(parts, places.get(name, [])[: len(parts)]):
            if after is None:
                left_out.append(name)
            elif name in axes:
                same = _same_rows(before, after, kept, source_of[kept], axes[name])
                fault = fault or ("" if same else f"{name} has other rows for kept tokens than the original")
            elif before.shape == after.shape:
                same = _equal(_whole(before), _whole(after))
                fault = fault or ("" if same else f"{name} differs from the original's")
                tensors += 1
            else:
                left_out.append(name)
    return KeptWeights(len(kept), tensors, fault, tuple(left_out))


def _stored(model: Checkpoint) -> dict[str, list[StoredRows]]:
    """Where the tensors are that a model uses, by their names in the model.

    Several are parts of one where the files have the experts of a layer apart; they are in the order of their
    stored names.
    """
    found: dict[str, list[StoredRows]] = {}
    for file, names in model.names.items():
        with safe_open(file, framework="pt") as weights:
            for stored, own in names.items():
                if own:
                    shape = tuple(weights.get_slice(stored).get_shape())
                    found.setdefault(own, []).append(StoredRows(file, stored, shape))
    return {own: sorted(parts, key=lambda part: part.name) for own, parts in found.items()}


def _same_rows(
    before: StoredRows,
    after: StoredRows,
    kept: Int64[np.ndarray, " kept"],
    source_ids: Int64[np.ndarray, " kept"],
    axis: int,
) -> bool:
    if axis:
        old, new = (_whole(table).movedim(axis, 0) for table in (before, after))
        return _equal(old[torch.from_numpy(source_ids)], new[torch.from_numpy(kept)])
    return all(
        _equal(
            before.take(source_ids[start : start + BLOCK_ROWS]), after.take(kept[start : start + BLOCK_ROWS])
        )
        for start in range(0, len(kept), BLOCK_ROWS)
    )


def _whole(tensor: StoredRows) -> Float[Tensor, "..."]:
    with safe_open(tensor.file, framework="pt") as weights:
        found: Tensor = weights.get_tensor(tensor.name)
        return found


def _equal(one: Float[Tensor, "..."], other: Float[Tensor, "..."]) -> bool:
    if one.dtype != other.dtype:
        return False
    if one.dtype not in SUMMED:  # torch compares no numbers of 8 bits
        one, other = (tensor.contiguous().flatten().view(torch.uint8) for tensor in (one, other))
    return torch.equal(one, other)
