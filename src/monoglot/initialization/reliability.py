"""How far an anchor means in the target language what it means in the source: do its neighbours agree?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from monoglot.initialization.transfer import Transfer
from monoglot.maths.similarity import largest_cosines, unit_rows
from monoglot.tokenization.overlap import Overlap

NEIGHBORS = 10
"""Nearest anchors in the auxiliary space that are looked up in the source embeddings."""
STRANGERS = 512
"""Anchors drawn at random that tell which source cosines are usual for an anchor."""

LISTED = 50
"""Anchors that are listed."""
SEEN = 20
"""Only anchors that occur so often are listed: of rarer ones the text says little."""


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


def judge_anchors(transfer: Transfer) -> AnchorReport:
    """Compute how far the auxiliary space and the source embeddings agree, and where they do least."""
    anchors = transfer.anchors()
    reliability = anchor_reliability(transfer, anchors)
    counts = transfer.required_vectors.counts[anchors.target_ids]
    agreement = float((reliability * counts).sum() / counts.sum()) if counts.sum() else 0.5
    frequent = np.flatnonzero(counts >= SEEN)
    least = frequent[np.argsort(reliability[frequent], kind="stable")[:LISTED]]
    listed = [
        (
            transfer.target.by_id[int(anchors.target_ids[i])].text,
            transfer.source.by_id[int(anchors.source_ids[i])].text,
            round(float(reliability[i]), 3),
            int(counts[i]),
        )
        for i in least
    ]
    return AnchorReport(len(reliability), agreement, listed)


@torch.inference_mode()
def anchor_reliability(
    transfer: Transfer, anchors: Overlap, *, seed: int = 42
) -> Float32[np.ndarray, " anchors"]:
    """Compute how near each anchor's auxiliary neighbours are to it in the source embeddings, from 0 to 1.

    For each anchor its nearest anchors in the auxiliary space are found. The reliability is the mean share of
    randomly drawn anchors that are farther from it in the source embeddings than those neighbours are: 1 if
    both spaces agree, 0.5 if the neighbours are no nearer than strangers. A token that two languages share by
    chance (``die``, ``was``, ``also`` in German and English) keeps other company in each of them.

    Args:
        transfer: What is known of the two vocabularies, with auxiliary vectors and source embeddings.
        anchors: The pairs that may be mixed (``Transfer.anchors``).
        seed: Seed of the drawing of strangers.

    Returns:
        One number for each anchor; 0.5 where there are no other anchors.
    """
    count = len(anchors.target_ids)
    if count < 2:
        return np.full(count, 0.5, np.float32)
    auxiliary = unit_rows(torch.from_numpy(transfer.required_vectors.matrix[anchors.target_ids]))
    rows = transfer.required_embeddings[torch.from_numpy(anchors.source_ids)].float()
    source = unit_rows(rows - rows.mean(dim=0))
    drawn = np.random.default_rng(seed).permutation(count)[:STRANGERS]
    strangers = source[torch.from_numpy(np.sort(drawn))]
    result = torch.empty(count)
    # One neighbour more than needed: nearest of all is the anchor itself.
    for block, _, nearest in largest_cosines(auxiliary, auxiliary, min(NEIGHBORS + 1, count)):
        own = torch.arange(block.start, block.stop)
        others = nearest != own[:, None]
        cosines = torch.einsum("id,ind->in", source[block], source[nearest])
        usual = (source[block] @ strangers.T).sort(dim=1).values
        shares = torch.searchsorted(usual, cosines.contiguous()).float() / len(strangers)
        result[block] = (shares * others).sum(dim=1) / others.sum(dim=1)
    return result.numpy()
