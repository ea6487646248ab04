"""How many threads a run may use, in every library that starts some."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Limit torch and, if they have not started theirs yet, the Rust libraries (tokenizers).

    Args:
        n_threads: The limit; the one before is restored afterwards.
    """
    before = torch.get_num_threads()
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
