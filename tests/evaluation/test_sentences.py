import numpy as np
import pytest
import torch

from monoglot.evaluation.sentences import embed, mean_cosine, mean_pooled, precision_at_1
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import sample


@pytest.fixture
def encoder(source_tokenizers):
    return ARCHITECTURES["bert-headless"](source_tokenizers["wordpiece"]), source_tokenizers["wordpiece"]


def test_batches_and_padding_do_not_change_a_vector(encoder, monkeypatch):
    model, tokenizer = encoder
    texts = [line[:60] for line in sample("de", 12)]
    together = embed(model, tokenizer, texts)
    alone = np.concatenate([embed(model, tokenizer, [text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    monkeypatch.setattr("monoglot.evaluation.sentences.BATCH_TOKENS", 40)
    np.testing.assert_allclose(embed(model, tokenizer, texts), together, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)


def test_the_prefix_is_part_of_the_text(encoder):
    model, tokenizer = encoder
    np.testing.assert_allclose(
        embed(model, tokenizer, ["alle Menschen"], prefix="query: "),
        embed(model, tokenizer, ["query: alle Menschen"]),
    )


def test_mean_pooled_ignores_padding():
    hidden = torch.tensor([[[2.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])
    pooled = mean_pooled(hidden, torch.tensor([[1, 1, 0]]))
    torch.testing.assert_close(pooled, torch.tensor([[0.5**0.5, 0.5**0.5]]))


def test_precision_counts_hits_at_the_first_place():
    answers = np.eye(4, dtype=np.float32)
    assert precision_at_1(answers, answers) == 1
    assert precision_at_1(answers[[0, 1, 3, 2]], answers) == 0.5
    assert mean_cosine(answers[[0, 1, 3, 2]], answers) == 0.5
