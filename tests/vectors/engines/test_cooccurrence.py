"""The engines that need no training: what they promise, and what the vectors mean."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.vectors.engines.characters import Characters
from monoglot.vectors.engines.cooccurrence import Cooccurrence, joined, unit_rows

SMALL = Cooccurrence(context_dim=40, form_dim=30)


@pytest.mark.parametrize("engine", [SMALL, Characters(dim=30)])
def test_every_ordinary_token_has_a_vector(german, engine):
    corpus, vocabulary = german
    vectors = engine.train(corpus, vocabulary, seed=1)
    ordinary = np.ones(vocabulary.size, dtype=bool)
    ordinary[[token.id for token in vocabulary.special]] = False

    assert np.array_equal(vectors.usable, ordinary)
    assert np.isfinite(vectors.matrix).all()
    assert vectors.matrix.dtype == np.float32
    assert np.array_equal(vectors.counts, corpus.counts(vocabulary.size))


@pytest.mark.parametrize("engine", [SMALL, Characters(dim=30)])
def test_threads_change_no_bit(german, engine):
    one, again, three, other = (
        engine.train(*german, seed=seed, threads=threads).matrix.tobytes()
        for seed, threads in [(1, 1), (1, 1), (1, 3), (2, 1)]
    )

    assert one == again == three
    assert one != other


def test_evidence_decides_between_context_and_form(german):
    vectors = SMALL.train(*german, seed=1)
    context, form = vectors.matrix[:, :40], vectors.matrix[:, 40:]
    shares = np.square(context).sum(axis=1)[vectors.usable]
    counts = vectors.counts[vectors.usable]

    assert np.square(vectors.matrix).sum(axis=1)[vectors.usable] == pytest.approx(1.0, abs=1e-4)
    assert shares == pytest.approx(0.5 * (counts / (counts + 5)) ** 2, abs=1e-4)
    unseen = vectors.usable & (vectors.counts == 0)
    assert unseen.any()
    assert not context[unseen].any()
    assert np.square(form[unseen]).sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_neighbors_share_their_contexts(written, spelled):
    generator = np.random.default_rng(0)
    lines = [
        [token if position == 3 else int(generator.integers(*context)) for position in range(7)]
        for _ in range(300)
        for token, context in [(0, (10, 20)), (1, (10, 20)), (2, (20, 30))]
    ]
    vocabulary = spelled([*"abcdefghij", *(chr(0x4E00 + number) for number in range(20))])
    engine = Cooccurrence(context_dim=8, form_dim=8, form_share=0.1)
    matrix = engine.train(written(lines), vocabulary, seed=1).matrix

    assert matrix[0] @ matrix[1] > matrix[0] @ matrix[2] + 0.5


def test_corpus_without_pairs_leaves_the_form(written, spelled):
    vectors = SMALL.train(written([[0], [1], []]), spelled(["ja", "jb", "", "x"]), seed=1)

    assert vectors.usable.tolist() == [True, True, False, True]
    assert np.isfinite(vectors.matrix).all()


def test_cosine_of_joined_vectors_is_the_weighted_mean():
    generator = np.random.default_rng(0)
    first, second = generator.standard_normal((2, 4, 3)).astype(np.float32)
    share = np.full(4, 0.3)
    matrix = joined(first, second, share)
    a, b = unit_rows(first), unit_rows(second)

    np.testing.assert_allclose(matrix @ matrix.T, 0.3 * a @ a.T + 0.7 * b @ b.T, atol=1e-6)
    assert unit_rows(np.zeros((2, 3), dtype=np.float32)).tolist() == [[0, 0, 0]] * 2
