"""What a training does to the process around it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from monoglot.training.trainer import restored_randomness


def state():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002


def draw_from_other_seeds() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)


def test_the_global_generators_are_left_as_they_were_after_an_error_too():
    before = state()
    with restored_randomness():
        draw_from_other_seeds()
        assert all(now != then for now, then in zip(state(), before, strict=True))
    assert state() == before
    with pytest.raises(KeyError), restored_randomness():
        raise KeyError(draw_from_other_seeds())
    assert state() == before
