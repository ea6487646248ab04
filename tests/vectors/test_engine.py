"""Token vectors on disk."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from monoglot.errors import VectorsError
from monoglot.vectors.engine import TokenVectors


def test_vectors_come_back_as_they_were(tmp_path):
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    vectors = TokenVectors(matrix[:, ::2], np.array([False, True, True]), np.array([0, 5, 2**40]))
    vectors.save(tmp_path / "a.safetensors")
    again = TokenVectors.load(tmp_path / "a.safetensors")

    for name in ("matrix", "usable", "counts"):
        before, after = getattr(vectors, name), getattr(again, name)
        assert np.array_equal(before, after)
        assert before.dtype == after.dtype


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.safetensors").write_bytes(b"no tensors")
    save_file({"weights": np.zeros(3)}, tmp_path / "other.safetensors")

    with pytest.raises(VectorsError, match="can't be read as token vectors"):
        TokenVectors.load(tmp_path / "text.safetensors")
    with pytest.raises(VectorsError, match="can't be read as token vectors"):
        TokenVectors.load(tmp_path / "none.safetensors")
    with pytest.raises(VectorsError, match="holds the arrays weights, but token vectors are matrix, usable"):
        TokenVectors.load(tmp_path / "other.safetensors")
