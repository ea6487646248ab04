"""Weights of anchors for missing tokens, and how reliable each anchor is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from monoglot.errors import VectorsError
from monoglot.initialization.transfer import Transfer
from monoglot.maths.similarity import largest_cosines, nearest_weights, softmax_of, unit_rows
from monoglot.maths.sparse import SparseRows
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.overlap import Overlap


@dataclass(frozen=True)
class AnchorReport:
    """What is to be known of the anchors of a transfer.

    Attributes:
        anchors: How many there are.
        agreement: Mean reliability, each anchor as often as it occurs; 0.5 if none does.
        least_reliable: The least reliable of the frequent ones: target token, source token, reliability,
            occurrences.
    """

    anchors: int
    agreement: float
    least_reliable: list[tuple[str, str, float, int]]


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


SEEN = 20
"""Only anchors that occur so often are listed: of rarer ones the text says little."""
LISTED = 50
"""Anchors that are listed."""


MOST_JUDGED = 5_000
"""The most frequent anchors, which make up nearly all of a text: the time is that of all pairs of them."""


def judge_anchors(transfer: Transfer) -> AnchorReport:
    """Compute how far the auxiliary space and the source embeddings agree, and where they do least.

    Judged are the 5,000 most frequent anchors, by their neighbors among each other.
    """
    anchors = transfer.anchors()
    every_count = transfer.required_vectors.counts[anchors.target_ids]
    is_judged = np.zeros(len(every_count), bool)
    is_judged[np.argsort(-every_count, kind="stable")[:MOST_JUDGED]] = True
    judged = anchors.where(is_judged)
    reliability = anchor_reliability(transfer, judged)
    counts = every_count[is_judged]
    agreement = float((reliability * counts).sum() / counts.sum()) if counts.sum() else 0.5
    frequent = np.flatnonzero(counts >= SEEN)
    least = frequent[np.argsort(reliability[frequent], kind="stable")[:LISTED]]
    listed = [
        (
            transfer.target.by_id[int(judged.target_ids[i])].text,
            transfer.source.by_id[int(judged.source_ids[i])].text,
            round(float(reliability[i]), 3),
            int(counts[i]),
        )
        for i in least
    ]
    return AnchorReport(len(every_count), agreement, listed)


RANDOM_ANCHORS = 512
"""Anchors drawn at random that tell which source cosines are usual for an anchor."""
NEIGHBORS = 10
"""Nearest anchors in the auxiliary space that are looked up in the source embeddings."""


@torch.inference_mode()
def anchor_reliability(
    transfer: Transfer,
    anchors: Overlap,
    *,
    seed: int = 42,
) -> Float32[np.ndarray, " anchors"]:
    """Compute how near each anchor's auxiliary neighbors are to it in the source embeddings, from 0 to 1.

    For each anchor its nearest anchors in the auxiliary space are found. The reliability is the mean share of
    randomly drawn anchors that are farther from it in the source embeddings than those neighbors are: 1 if
    both spaces agree, 0.5 if the neighbors are no nearer than randomly drawn anchors. A token that two
    languages share by chance (``die``, ``was``, ``also`` in German and English) has other neighbors in each
    of them.

    Args:
        transfer: What is known of the two vocabularies, with auxiliary vectors and source embeddings.
        anchors: The pairs that may be mixed (``Transfer.anchors``).
        seed: Seed of the randomly drawn anchors.

    Returns:
        One number for each anchor; 0.5 where there are no other anchors.
    """
    count = len(anchors.target_ids)
    if count < 2:
        return np.full(count, 0.5, np.float32)
    auxiliary = unit_rows(torch.from_numpy(transfer.required_vectors.matrix[anchors.target_ids]))
    rows = transfer.required_embeddings[torch.from_numpy(anchors.source_ids)].float()
    source = unit_rows(rows - rows.mean(dim=0))
    drawn = np.random.default_rng(seed).permutation(count)[:RANDOM_ANCHORS]
    random_anchors = source[torch.from_numpy(np.sort(drawn))]
    result = torch.empty(count)
    # One neighbor more than needed: nearest of all is the anchor itself.
    for block, _, nearest in largest_cosines(auxiliary, auxiliary, min(NEIGHBORS + 1, count)):
        own = torch.arange(count)[block]
        others = nearest != own[:, None]
        cosines = torch.einsum("id,ind->in", source[block], source[nearest])
        usual = (source[block] @ random_anchors.T).sort(dim=1).values
        shares = torch.searchsorted(usual, cosines.contiguous()).float() / len(random_anchors)
        result[block] = (shares * others).sum(dim=1) / others.sum(dim=1)
    return result.numpy()
