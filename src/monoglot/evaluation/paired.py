"""Whether two models differ by more than chance, when both were scored on the same lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure, and the interval in which it lies with 95% (percentile bootstrap).

    Attributes:
        value: The figure.
        low: Lower end of the interval.
        high: Its upper end.
    """

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference is more than noise."""
        return self.low > 0 or self.high < 0


def paired_difference(
    first: Float64[np.ndarray, "runs lines"],
    second: Float64[np.ndarray, "runs_or_one lines"],
    sizes: Float64[np.ndarray, " lines"],
    *,
    seed: int,
) -> Interval:
    """Compute the mean difference of two models over a text, with a bootstrap interval.

    What is drawn again and again, with replacement, are lines and runs (Koehn 2004 for the lines; runs of one
    seed saw the same text in the same order, so that they are drawn as pairs too). A line counts by its size,
    as in bits per byte of the whole text. With one run of each, the interval says nothing of other seeds;
    with few, it is too narrow for what they add, by a factor of about √((runs - 1) / runs).

    Args:
        first: Amount of each line, bits say, in each run of the one model.
        second: The same of the other, run by run with the same seeds, or one run that stands for all.
        sizes: What amounts are divided by: bytes of each line, or ones.
        seed: Seed of the draws.

    Returns:
        Amount of the first less that of the second, per unit of size.

    Raises:
        ValueError: If the two don't have the same lines, or neither the same runs nor one run.
    """
    if first.shape[1:] != second.shape[1:] or first.shape[1:] != sizes.shape:
        raise ValueError(f"not the same lines: {first.shape[1]}, {second.shape[1]} and {len(sizes)}")
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise ValueError(f"{len(first)} and {len(second)} runs can't be paired: expected the same seeds")
    differences = first - second
    rng = np.random.default_rng(seed)
    n_runs, n_lines = differences.shape
    lines = rng.integers(n_lines, size=(RESAMPLES, n_lines))
    runs = rng.integers(n_runs, size=(RESAMPLES, n_runs))
    by_run = np.stack([run[lines].sum(axis=1) for run in differences], axis=1)
    resampled = np.take_along_axis(by_run, runs, axis=1).mean(axis=1) / sizes[lines].sum(axis=1)
    low, high = np.quantile(resampled, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(differences.mean(axis=0).sum() / sizes.sum()), float(low), float(high))
