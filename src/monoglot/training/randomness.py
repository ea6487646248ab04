"""Libraries that seed the global generators, kept from doing so for their caller."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def restored_randomness() -> Iterator[None]:
    """Give Python's, NumPy's and torch's global generators the state back that they had before.

    `transformers.Trainer` seeds all three, and dropout draws from torch's.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - to leave it as it was
    with torch.random.fork_rng():
        yield
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002
