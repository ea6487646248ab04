"""Linear regression with a penalty on its weights, chosen from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy.linalg import eigh

PENALTIES = tuple(10.0 ** (power / 2) for power in range(-6, 5))
"""Penalties that are tried, as multiples of the mean squared column."""


@dataclass(frozen=True)
class RidgeRegression:
    """A fitted regression: ``y = mean_y + (x - mean_x) W``.

    Attributes:
        mean_x: The mean of the inputs.
        mean_y: The mean of the outputs.
        weights: `W`.
        penalty: The penalty that was chosen, as a multiple of the mean squared column.
    """

    mean_x: Float32[np.ndarray, " inputs"]
    mean_y: Float32[np.ndarray, " outputs"]
    weights: Float32[np.ndarray, "inputs outputs"]
    penalty: float

    @classmethod
    def fit(
        cls, x: Float32[np.ndarray, "examples inputs"], y: Float32[np.ndarray, "examples outputs"]
    ) -> RidgeRegression:
        """Fit by least squares, with the penalty of the lowest generalized cross-validation score.

        With the eigenvalues ``s`` of ``X'X`` and ``d = s / (s + penalty)``, the residual sum of squares is
        ``|Y|^2 - sum (2 d - d^2) |Z|^2`` for the projections ``Z`` of ``Y``, and the score that sum over
        ``(1 - (1 + sum d) / n)^2``: one eigenvalue problem serves all penalties. It is that of ``X'X``, or of
        ``XX'`` where there are fewer examples than inputs: O(n p m + m^3), m being the smaller of the two.

        Reference: Golub, Heath & Wahba 1979, "Generalized Cross-Validation as a Method for Choosing a Good
        Ridge Parameter".

        Args:
            x: Inputs.
            y: Outputs.

        Raises:
            ValueError: If there are fewer than two examples.
        """
        if len(x) < 2:
            raise ValueError(f"a regression needs two examples or more, got {len(x)}")
        mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
        inputs, outputs = x - mean_x, y - mean_y
        by_examples = len(x) < x.shape[1]
        square = inputs @ inputs.T if by_examples else inputs.T @ inputs
        values, vectors = eigh(square.astype(np.float64))
        # What is zero but for rounding tells nothing, and would be divided by.
        told = values > values.max(initial=0.0) * len(values) * np.finfo(np.float32).eps
        values, vectors = values[told], vectors[:, told]
        if by_examples:
            moments: Float64[np.ndarray, "told outputs"] = vectors.T @ outputs.astype(np.float64)
            explained = (moments**2).sum(axis=1)
        else:
            moments = vectors.T @ (inputs.T @ outputs).astype(np.float64)
            explained = (moments**2).sum(axis=1) / values
        total = float((outputs.astype(np.float64) ** 2).sum())
        unit = values.sum() / x.shape[1]
        scores = [_score(values, explained, total, len(x), penalty * unit) for penalty in PENALTIES]
        penalty = PENALTIES[int(np.argmin(scores))]
        weights = vectors @ (moments / (values + penalty * unit)[:, None])
        if by_examples:
            weights = inputs.T @ weights
        return cls(mean_x, mean_y, weights.astype(np.float32), penalty)

    def predict(self, x: Float32[np.ndarray, "rows inputs"]) -> Float32[np.ndarray, "rows outputs"]:
        """Compute the outputs for some inputs."""
        return np.asarray(self.mean_y + (x - self.mean_x) @ self.weights, np.float32)


def _score(
    values: Float64[np.ndarray, " told"],
    explained: Float64[np.ndarray, " told"],
    total: float,
    examples: int,
    penalty: float,
) -> float:
    """The generalized cross-validation score of one penalty."""
    kept = values / (values + penalty)
    # One for the mean. Above 0: without the mean, the rank is below the number of examples.
    freedom = 1 - (1 + kept.sum()) / examples
    return float((total - ((2 * kept - kept**2) * explained).sum()) / freedom**2)
