"""What a run did, in the figures that a user asks for first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64
from safetensors import safe_open

from monoglot.maths.mixture import Mixture, Provenance


@dataclass(frozen=True)
class Share:
    """How many target tokens have one provenance.

    Attributes:
        tokens: Their number.
        vocabulary_share: Their share of the vocabulary.
        corpus_share: Their share of the running text.
    """

    tokens: int
    vocabulary_share: float
    corpus_share: float


@dataclass(frozen=True)
class Summary:
    """Before and after.

    Attributes:
        output: The folder of the new model.
        method: The initialisation method.
        parameters: Parameters of source and target model.
        vocabulary: Tokens of source and target.
        tokenizers: Scores of both tokenizers on held-out text (see ``TokenizerScores``).
        provenance: Where the target rows come from.
        warnings: What makes the new embeddings doubtful, a sentence each.
        proof: Of a trimmed model: lines compared, lines segmented alike, largest difference of outputs.
        kept: What was kept beside what the corpus asks for, in a sentence; empty if nothing was.
        seconds: Seconds of each stage, when it was computed.
        peak_memory_bytes: The most memory that a stage needed.
    """

    output: str
    method: str
    parameters: tuple[int, int]
    vocabulary: tuple[int, int]
    tokenizers: tuple[Mapping[str, float], Mapping[str, float]]
    provenance: Mapping[str, Share]
    warnings: Sequence[str]
    proof: Mapping[str, Any] | None
    kept: str
    seconds: Mapping[str, float]
    peak_memory_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def provenance_shares(mixture: Mixture, counts: Int64[np.ndarray, " target"]) -> dict[str, Share]:
    """Count target tokens by provenance, also weighted by how often the corpus uses them.

    Args:
        mixture: Where the rows come from.
        counts: Occurrences of each target id in the corpus.
    """
    shares = {}
    for provenance in Provenance:
        ids = mixture.where(provenance)
        if len(ids):
            occurrences = float(counts[ids].sum()) / max(1, int(counts.sum()))
            shares[provenance.name.lower()] = Share(len(ids), len(ids) / mixture.n_target, occurrences)
    return shares


def count_parameters(folder: Path) -> int:
    """Number of parameters stored in a model folder, tied ones once; reads only the files' headers."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="numpy") as file:
            slices = (file.get_slice(name) for name in file.offset_keys())
            # Integers are buffers such as position ids.
            total += sum(int(np.prod(s.get_shape())) for s in slices if "F" in s.get_dtype())
    return total
