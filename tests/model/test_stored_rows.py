"""Rows that are read from a file are those of the tensor that was saved, however they are asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from monoglot.model import stored_rows
from monoglot.model.stored_rows import StoredRows


@pytest.fixture(params=[(), (3,)])
def saved(request, tmp_path):
    table = torch.randn(50, *request.param, generator=torch.Generator().manual_seed(0))
    save_file({"other": torch.zeros(4), "table": table}, tmp_path / "model.safetensors")
    return table, StoredRows(tmp_path / "model.safetensors", "table", tuple(table.shape))


def test_slices_are_those_of_the_tensor(saved):
    table, rows = saved
    assert len(rows) == 50
    assert torch.equal(rows[7:19], table[7:19])
    assert torch.equal(rows[40:99], table[40:])


@pytest.mark.parametrize("ids", [[], [49], [3, 0, 49, 3, 16, 15], list(range(50))[::-1]])
def test_rows_are_taken_in_any_order_across_blocks(saved, ids, monkeypatch):
    monkeypatch.setattr(stored_rows, "BLOCK_ROWS", 16)
    table, rows = saved
    assert torch.equal(rows.take(np.array(ids, np.int64)), table[torch.tensor(ids, dtype=torch.int64)])
