"""How well a model's similarities go with people's ratings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import pearsonr, spearmanr


def correlations(given: Float[np.ndarray, " pairs"], ratings: Sequence[float]) -> dict[str, float]:
    """Compute Spearman's and Pearson's correlation; of a model that rates all pairs alike, zero.

    Args:
        given: A model's similarities.
        ratings: How alike people found each pair; not all the same.
    """
    if np.ptp(given) == 0:
        return {"spearman": 0.0, "pearson": 0.0}
    return {
        "spearman": float(spearmanr(given, ratings).statistic),
        "pearson": float(pearsonr(given, ratings).statistic),
    }
