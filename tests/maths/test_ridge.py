"""Ridge regression is least squares with a penalty, which follows from the noise."""

import numpy as np
import pytest

from monoglot.maths.ridge import PENALTIES, RidgeRegression

RNG = np.random.default_rng(0)


def examples(noise: float, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    inputs = RNG.standard_normal((count, 6), np.float32) + 3
    outputs = inputs @ RNG.standard_normal((6, 2), np.float32) - 1
    return inputs, outputs + noise * RNG.standard_normal(outputs.shape, np.float32)


def test_a_linear_function_without_noise_is_found():
    inputs, outputs = examples(noise=0)
    ridge = RidgeRegression.fit(inputs, outputs)
    assert ridge.penalty == PENALTIES[0]
    np.testing.assert_allclose(ridge.predict(inputs), outputs, atol=0.05)


@pytest.mark.parametrize("count", [400, 5])
def test_weights_are_those_of_the_normal_equations(count):
    """With more inputs than examples as well."""
    inputs, outputs = examples(noise=1, count=count)
    ridge = RidgeRegression.fit(inputs, outputs)
    x, y = inputs - inputs.mean(axis=0), outputs - outputs.mean(axis=0)
    square = x.T @ x
    penalty = ridge.penalty * np.trace(square) / len(square)
    expected = np.linalg.solve(square + penalty * np.eye(6), x.T @ y)
    np.testing.assert_allclose(ridge.weights, expected, rtol=1e-3, atol=1e-4)


def test_what_predicts_nothing_gets_a_large_penalty():
    inputs = RNG.standard_normal((60, 50), np.float32)
    ridge = RidgeRegression.fit(inputs, RNG.standard_normal((60, 3), np.float32))
    assert ridge.penalty >= PENALTIES[-3]


@pytest.mark.parametrize("count", [40, 5])
def test_the_score_is_that_of_the_definition(count):
    """|Y - HY|² / (1 - tr(H) / n)², with the mean in H, is lowest at the penalty that was chosen."""
    inputs, outputs = examples(noise=3, count=count)
    x, y = inputs - inputs.mean(axis=0), outputs - outputs.mean(axis=0)
    square = x.T @ x
    scores = []
    for penalty in PENALTIES:
        inverse = np.linalg.inv(square + penalty * np.trace(square) / len(square) * np.eye(6))
        hat = x @ inverse @ x.T
        scores.append(((y - hat @ y) ** 2).sum() / (1 - (1 + np.trace(hat)) / len(x)) ** 2)
    assert RidgeRegression.fit(inputs, outputs).penalty == PENALTIES[int(np.argmin(scores))]


def test_inputs_that_are_equal_or_constant_are_no_trouble():
    inputs, outputs = examples(noise=0.1)
    doubled = np.concatenate([inputs, inputs, np.ones((len(inputs), 1), np.float32)], axis=1)
    ridge = RidgeRegression.fit(doubled, outputs)
    assert np.isfinite(ridge.weights).all()
    np.testing.assert_allclose(ridge.predict(doubled), outputs, atol=1)
    assert np.isfinite(
        RidgeRegression.fit(np.ones((5, 2), np.float32), np.ones((5, 1), np.float32)).weights
    ).all()


def test_one_example_is_refused():
    with pytest.raises(ValueError, match="two examples or more, got 1"):
        RidgeRegression.fit(np.ones((1, 2), np.float32), np.ones((1, 1), np.float32))
