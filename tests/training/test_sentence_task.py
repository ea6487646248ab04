"""The terms of sentence distillation, as functions of vectors."""

import pytest
import torch

from monoglot.training.sentence_task import distance, relational, unexplained


def test_losses_are_zero_for_equal_vectors_and_blind_to_rotation():
    teacher = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    for kind in ("cosine", "mse"):
        assert distance(teacher, teacher, kind).item() == pytest.approx(0, abs=1e-6)
    rotation, _ = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))
    assert relational(teacher @ rotation, teacher).item() == pytest.approx(0, abs=1e-6)
    assert distance(teacher @ rotation, teacher, "cosine") > 0.1
    assert relational(teacher.flip(0), teacher) > 0.1


def test_the_difference_of_states_is_in_units_of_their_variance():
    teacher = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    assert unexplained(teacher, teacher).item() == 0
    # The mean explains nothing, and scale is of no importance.
    middle = teacher.mean(dim=0).expand_as(teacher)
    assert unexplained(middle, teacher).item() == pytest.approx(1, rel=1e-5)
    assert unexplained(30 * middle, 30 * teacher).item() == pytest.approx(1, rel=1e-5)
