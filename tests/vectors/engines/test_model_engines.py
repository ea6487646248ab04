"""Engines that look into a pretrained model: rows of a helper, and hidden states of tokens in context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import SettingError, VectorsError
from monoglot.tokenization.overlap import match
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engines.contextual import Contextual
from monoglot.vectors.engines.model import HelperModel
from monoglot.vectors.registry import get_engine
from tests.fixtures.models import ARCHITECTURES


@dataclass(frozen=True)
class Given:
    """A model in memory, in the shape that engines look into."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.tokenizer)

    @property
    def embeddings(self) -> Tensor:
        return self.model.get_input_embeddings().weight


@pytest.fixture
def given(source_tokenizers):
    """Makes a tiny model with a multilingual tokenizer."""

    def make(architecture: str, family: str = "unigram") -> Given:
        tokenizer = source_tokenizers[family]
        return Given(ARCHITECTURES[architecture](tokenizer), tokenizer)

    return make


def test_an_engine_without_its_model_says_so(german):
    with pytest.raises(VectorsError, match="Contextual reads a model and got none"):
        Contextual().train(*german, seed=1)
    with pytest.raises(SettingError, match="'model' needs the option 'path', which has no default"):
        get_engine("model")


def test_rows_of_shared_tokens_are_the_helpers(given, german):
    corpus, vocabulary = german
    helper = given("xlm-roberta")
    vectors = HelperModel("here").train(corpus, vocabulary, seed=1, model=helper)
    pairs = match(helper.vocabulary, vocabulary)
    table = helper.embeddings.detach().numpy()
    special = {token.id for token in vocabulary.special}
    shared = [(s, t) for t, s in pairs.source_of.items() if t not in special]

    assert len(shared) > 100
    assert set(np.flatnonzero(vectors.usable)) == {target for _, target in shared}
    for source, target in shared:
        assert np.array_equal(vectors.matrix[target], table[source])


def test_a_helper_without_shared_tokens_is_refused(given, written, spelled):
    with pytest.raises(VectorsError, match="the helper here shares none of the 1 target tokens"):
        HelperModel("here").train(written([[0]]), spelled(["𓀀𓀁"]), seed=1, model=given("xlm-roberta"))


@pytest.mark.parametrize(
    ("architecture", "family"),
    [
        ("xlm-roberta", "unigram"), ("bert", "wordpiece"), ("modernbert", "unigram"), ("albert", "unigram"),
        ("gpt2", "byte-level-bpe"), ("gemma3", "sentencepiece-bpe"), ("t5", "unigram"), ("bart", "unigram"),
    ],
)  # fmt: skip
def test_every_architecture_reads(given, german, architecture, family):
    corpus, vocabulary = german
    engine, model = Contextual(read_tokens=1_000, excerpt_tokens=20), given(architecture, family)
    vectors = engine.train(corpus, vocabulary, seed=1, model=model)

    assert 100 < np.count_nonzero(vectors.usable) < np.count_nonzero(vectors.counts) + 1
    assert np.isfinite(vectors.matrix).all()
    assert not vectors.usable[[token.id for token in vocabulary.special]].any()
    assert np.abs(vectors.matrix[vectors.usable].mean(axis=0)).max() < 1e-4
    assert np.array_equal(vectors.matrix, engine.train(corpus, vocabulary, seed=1, model=model).matrix)


@pytest.mark.parametrize("depth", [0.0, 0.5, 1.0])
def test_states_are_those_of_the_layer(given, written, depth):
    """A corpus in the model's own tokens: a vector is the mean of the token's states."""
    model = given("xlm-roberta")
    lines = ["Der Hund lief durch den Wald.", "Der Wald war sehr dunkel.", "Hund und Wald"]
    rows = [model.tokenizer(line, add_special_tokens=False).input_ids for line in lines]
    vectors = Contextual(depth=depth).train(written(rows), model.vocabulary, seed=1, model=model)

    sums: dict[int, list[np.ndarray]] = {}
    for row in rows:
        ids = torch.tensor([[0, *row, 2]])
        with torch.no_grad():
            states = model.model.base_model(ids, output_hidden_states=True).hidden_states[round(2 * depth)]
        for id, state in zip(row, states[0, 1:-1].numpy(), strict=True):
            sums.setdefault(id, []).append(state)
    # A token that is nothing but the space of a word start has no characters of its own.
    ids = [id for id in sums if model.vocabulary.by_id[id].form.strip()]
    means = np.array([np.mean(sums[id], axis=0) for id in ids])
    got = vectors.matrix[ids]

    assert len(ids) > 10
    np.testing.assert_allclose(got - got.mean(axis=0), means - means.mean(axis=0), atol=1e-5)


def test_an_empty_corpus_gives_no_vectors(given, written, spelled):
    vectors = Contextual().train(written([[]]), spelled(["a", "b"]), seed=1, model=given("xlm-roberta"))

    assert not vectors.usable.any()
