import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from monoglot.maths.rotation import procrustes


def test_a_rotation_is_found_again():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((50, 6))
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    np.testing.assert_allclose(procrustes(points, points @ rotation), rotation, atol=1e-10)


def test_equals_scipy_on_noise():
    rng = np.random.default_rng(1)
    points, images = rng.standard_normal((2, 40, 5))
    np.testing.assert_allclose(
        procrustes(points, images), orthogonal_procrustes(points, images)[0], atol=1e-10
    )


@pytest.mark.parametrize(("dim", "image_dim"), [(3, 5), (5, 3)])
def test_spaces_of_unequal_width(dim, image_dim):
    rng = np.random.default_rng(2)
    found = procrustes(rng.standard_normal((30, dim)), rng.standard_normal((30, image_dim)))
    product = found @ found.T if dim < image_dim else found.T @ found
    np.testing.assert_allclose(product, np.eye(3), atol=1e-10)
