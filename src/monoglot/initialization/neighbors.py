"""Answers for missing tokens from vectors: which rows are like them in some space."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from monoglot.errors import SettingError, VectorsError
from monoglot.initialization.transfer import Transfer
from monoglot.maths.similarity import nearest_weights, softmax_of
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.overlap import Overlap

Compute = Callable[[Float[Tensor, "queries dim"], Float[Tensor, "anchors dim"]], SparseRows]
"""Gives weights over anchors for each query; both are vectors."""


def from_anchors(transfer: Transfer, anchors: Overlap, compute: Compute) -> SparseRows:
    """Answer for the missing tokens that have an auxiliary vector, from those of the anchors.

    Args:
        transfer: What is known of the two vocabularies, with auxiliary vectors.
        anchors: The pairs that may be mixed.
        compute: The weights.

    Returns:
        A row over source ids for each missing token; empty where it has no vector.
    """
    vectors, missing = transfer.required_vectors, transfer.overlap.missing
    has_vector = vectors.usable[missing]
    weights = compute(
        torch.from_numpy(vectors.matrix[missing[has_vector]]).to(transfer.device),
        torch.from_numpy(vectors.matrix[anchors.target_ids]).to(transfer.device),
    )
    return weights.with_columns(anchors.source_ids).spread(has_vector)


def from_source_tokens(
    transfer: Transfer,
    source: Float32[np.ndarray, "source dim"],
    target: Float32[np.ndarray, "target dim"],
    *,
    neighbors: int,
    temperature: float,
    progress: Progress = SILENT,
) -> SparseRows:
    """Answer with ``softmax(cos / temperature)`` of the nearest of all trained source tokens.

    This is step 4 of WECHSEL (Minixhofer et al. 2022), and of OFA (Liu et al. 2024) at full width.

    Args:
        transfer: What is known of the two vocabularies.
        source: A vector for each source id; zeros where there is none.
        target: A vector for each target id in the same space; zeros where there is none.
        neighbors: How many source tokens.
        temperature: The lower, the more the nearest counts.
        progress: Where to show how far it is.

    Raises:
        VectorsError: If no token of one side has a vector.
    """
    usable = np.any(source != 0, axis=1) & transfer.trained & ~transfer.is_special
    has_vector = np.any(target[transfer.overlap.missing] != 0, axis=1)
    if not usable.any() or (len(has_vector) and not target.any()):
        side = "target" if usable.any() else "source"
        raise VectorsError(f"the word vectors give a vector to none of the {side} tokens: give other ones")
    nearest = nearest_weights(
        torch.from_numpy(target[transfer.overlap.missing[has_vector]]).to(transfer.device),
        torch.from_numpy(source[usable]).to(transfer.device),
        neighbors,
        softmax_of(temperature),
        progress=progress,
    )
    return nearest.with_columns(np.flatnonzero(usable)).spread(has_vector)


def check_neighbors(neighbors: int, temperature: float) -> None:
    """Refuse numbers that make no sense.

    Raises:
        SettingError: If there is no neighbour, or the temperature is not positive.
    """
    if neighbors < 1:
        raise SettingError(f"the method's neighbors are {neighbors}: give 1 or more")
    if not temperature > 0:
        raise SettingError(f"the method's temperature is {temperature}: give a positive number")
