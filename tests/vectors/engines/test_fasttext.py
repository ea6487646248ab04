"""fastText on a small corpus."""

from __future__ import annotations

import tempfile
from pathlib import Path

import fasttext_pybind
import numpy as np
import pytest

from monoglot.vectors.engines import fasttext as module
from monoglot.vectors.engines.fasttext import FastText, FastTextSkipGram, write_tokens

SMALL = {"dim": 16, "buckets": 2_000}


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Where temporary files go; nothing may be left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_frequent_tokens_have_a_vector_and_no_others(german, temporary):
    corpus, vocabulary = german
    vectors = FastText(**SMALL).train(corpus, vocabulary, seed=3)

    assert vectors.matrix.shape == (vocabulary.size, 16)
    assert np.array_equal(vectors.counts, np.bincount(corpus.ids, minlength=vocabulary.size))
    # </s> is fastText's own token for the end of a line.
    line_end = vocabulary.by_text["</s>"].id
    frequent = set(np.flatnonzero(vectors.counts >= 10)) | {line_end}
    assert set(np.flatnonzero(vectors.usable)) == frequent
    assert np.array_equal(vectors.usable, vectors.matrix.any(axis=1))
    assert np.isfinite(vectors.matrix).all()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("engine", [FastText(**SMALL), FastTextSkipGram(**SMALL)])
def test_seed_and_one_thread_are_reproducible(german, engine):
    first, again, other = (engine.train(*german, seed=seed).matrix for seed in (3, 3, 4))

    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_settings_reach_fasttext(german, monkeypatch):
    given = []

    def train(model, args):
        given.append(args)
        raise InterruptedError

    monkeypatch.setattr(fasttext_pybind, "train", train)
    settings = {
        "dim": 7, "epochs": 8, "min_count": 2, "window": 9, "negatives": 11, "learning_rate": 0.5,
        "subsampling": 0.25, "shortest_ngram": 1, "longest_ngram": 4, "buckets": 99,
    }  # fmt: skip
    names = ["dim", "epoch", "minCount", "ws", "neg", "lr", "t", "minn", "maxn", "bucket"]
    for engine in (FastText(**settings), FastTextSkipGram(**settings)):
        with pytest.raises(InterruptedError):
            engine.train(*german, seed=12, threads=3)
        assert [getattr(given[-1], name) for name in names] == list(settings.values())
        assert (given[-1].seed, given[-1].thread) == (12, 3)

    models = fasttext_pybind.model_name
    assert [args.model for args in given] == [models.cbow, models.skipgram]


def test_rows_are_no_more_than_the_ngrams_need(written, spelled):
    corpus, vocabulary = written([[0, 1, 2]] * 3 + [[0]] * 7), spelled(["ab", "abc", "xyz"])
    counts = corpus.counts(3)
    # "<ab>": <ab ab> <ab>; then "<abc>": abc bc> <abc abc> <abc>
    assert FastText(min_count=10)._rows(vocabulary, counts) == 4 * 3
    assert FastText(min_count=3)._rows(vocabulary, counts) == 4 * (8 + 6)
    assert FastText(min_count=3, buckets=9)._rows(vocabulary, counts) == 9


def test_neighbors_share_their_contexts(written, spelled):
    # "a" and "b" stand in the same contexts, "c" in others.
    generator = np.random.default_rng(0)
    lines = [
        [token if position == 3 else int(generator.integers(*context)) for position in range(7)]
        for _ in range(1_500)
        for token, context in [(0, (10, 20)), (1, (10, 20)), (2, (20, 30))]
    ]
    vocabulary = spelled([*"abcdefghij", *(chr(0x4E00 + number) for number in range(20))])
    matrix = FastText(dim=8, buckets=100, subsampling=1.0).train(written(lines), vocabulary, seed=1).matrix

    assert matrix[0] @ matrix[1] > matrix[0] @ matrix[2] + 0.2


@pytest.mark.parametrize("lines", [[[1, 2]] * 4, [[1] * 30], []])
def test_corpus_with_too_few_frequent_tokens_gives_no_vector(written, spelled, lines):
    vectors = FastText(**SMALL).train(written(lines), spelled(["a", "b", "c"]), seed=1)

    assert not vectors.usable.any()
    assert not vectors.matrix.any()


def test_text_has_a_word_for_each_token(written, spelled, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_TOKENS", 3)
    lines = [[0, 1], [], [2, 3, 0, 5], [1]]
    write_tokens(written(lines), spelled(["▁a", "\n", "  ", "x\ty", "", "\ufffd"]), tmp_path / "text")
    text = (tmp_path / "text").read_text(encoding="utf-8")

    assert [line.split() for line in text.split("\n")] == [
        ["▁a", "\ue00a"], [], ["\ue020\ue020", "x\ue009y", "▁a", "\ufffd"], ["\ue00a"], [],
    ]  # fmt: skip


def test_temporary_text_is_removed_on_an_error(german, temporary, monkeypatch):
    def fail(self, text, buckets, seed, threads):
        assert text.exists()
        raise RuntimeError("out of memory")

    monkeypatch.setattr(FastText, "_train_on", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        FastText(**SMALL).train(*german, seed=1)
    assert not list(temporary.iterdir())
