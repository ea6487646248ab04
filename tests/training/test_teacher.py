"""What a teacher says of texts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monoglot.model.folder import load_model
from monoglot.model.pooling import Pooling
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.training import teacher as teaching
from monoglot.training.teacher import LEAST_FILL, Reader, encode_lines


@pytest.fixture
def reader(xlm_r):
    """A reader of documents of many lengths."""
    tokenizer = load_tokenizer(xlm_r)
    lines = ["das Gesetz " * times for times in (1, 9, 2, 8, 3, 1, 7, 9, 8, 1)]
    return Reader.of(load_model(xlm_r), tokenizer, encode_lines(tokenizer, lines))


def test_vectors_are_those_of_each_document_alone(reader):
    documents = np.array([3, 0, 9, 1, 3])
    together = reader.vectors(documents, Pooling.MEAN, torch.device("cpu"))
    alone = [reader.vectors(np.array([one]), Pooling.MEAN, torch.device("cpu")) for one in documents]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=0)


def test_batches_hold_little_padding(reader, monkeypatch):
    monkeypatch.setattr(teaching, "BATCH_TOKENS", 80)
    found = []
    for places, _, mask in reader.hidden(np.arange(10), torch.device("cpu")):
        assert mask.sum(dim=1).min() >= LEAST_FILL * mask.shape[1]
        assert mask.numel() <= 80 or len(mask) == 1
        found += places.tolist()
    assert sorted(found) == list(range(10))
