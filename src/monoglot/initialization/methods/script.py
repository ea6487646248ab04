"""Script: each missing token is drawn from the source tokens of the same script and place in the word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from monoglot.initialization.initialize import Group, Initializer, group_of
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.options import Count
from monoglot.progress import SILENT, Progress


@register("script")
@dataclass(frozen=True)
class Script(Initializer):
    """``Σ w_i E[i]`` with ``w = 1/n + (z - mean(z)) / √n``, z normal, over n tokens of the group drawn anew.

    Such a sum has the mean and the covariance of the rows of the group, the trained source tokens of the same
    script that begin a word too (or don't), exactly and for every n: it is a draw from the group's
    distribution that is written as weights, so that embeddings and output head get the same. The paper draws
    from N(mean, std), each dimension by itself. Overlapping tokens keep their row, the paper's "identity".

    Reference: Downey, Blevins, Goldfine & Steinert-Threlkeld 2023, "Embedding Structure Matters: Comparing
    Methods to Adapt Multilingual Vocabularies to New Languages" (arXiv 2309.04679), section 3.

    Attributes:
        members: n; the more, the nearer to a normal distribution.
    """

    fallback: ClassVar[tuple[Provenance, ...]] = (Provenance.NOISE,)
    members: Count = 32

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens of scripts that the source knows."""
        groups: dict[Group, list[int]] = {}
        for token in transfer.source.tokens:
            if transfer.trained[token.id] and not token.roles:
                groups.setdefault(group_of(token), []).append(token.id)
        tokens = [transfer.target.by_id[id] for id in transfer.overlap.missing.tolist()]
        wanted: dict[Group, list[int]] = {}
        # In the order of their texts, so that what a token gets does not depend on its id.
        for place in sorted(range(len(tokens)), key=lambda place: tokens[place].text):
            wanted.setdefault(group_of(tokens[place]), []).append(place)
        generator = np.random.default_rng(transfer.seed)
        parts, places = [SparseRows.empty(1)], np.zeros(len(tokens), np.int64)
        drawn = 1
        for group in sorted(wanted, key=str):
            if group in groups:
                parts.append(_draw(np.array(groups[group]), len(wanted[group]), self.members, generator))
                places[wanted[group]] = np.arange(drawn, drawn + len(wanted[group]))
                drawn += len(wanted[group])
        return SparseRows.stack(parts).select(places)


def _draw(group: np.ndarray, rows: int, members: int, generator: np.random.Generator) -> SparseRows:
    """Random combinations of a group, with its mean and covariance."""
    chosen = generator.choice(group, size=(rows, members))
    noise = generator.standard_normal((rows, members))
    weights = 1 / members + (noise - noise.mean(axis=1, keepdims=True)) / np.sqrt(members)
    lengths = np.full(rows, members, np.int64)
    return SparseRows(offsets(lengths), chosen.ravel(), weights.ravel().astype(np.float32))
