"""Word vectors brought to tokens."""

from __future__ import annotations

import fasttext_pybind
import numpy as np
import pytest

from monoglot.errors import SettingError, VectorsError
from monoglot.vectors import vector_files as word_file
from monoglot.vectors.engines import words as counting
from monoglot.vectors.engines.words import Words, count_tokens_in_words

TEXTS = ["▁Kran", "ken", "▁haus", ".", "▁Haus", "▁x", "▁", "ा"]


@pytest.fixture
def vocabulary():
    from monoglot.tokenization.vocabulary import Family, Token, Vocabulary

    return Vocabulary(
        Family.UNIGRAM,
        tuple(Token(id, t, t.strip("▁").encode(), t.startswith("▁")) for id, t in enumerate(TEXTS)),
    )


@pytest.fixture
def corpus(written):
    # Kranken haus. | Haus | ken Kran haus | Kran.ken | haus + matra, Haus.
    return written([[0, 1, 2, 3], [4], [], [1, 0, 2], [0, 3, 1], [2, 7, 4, 3]])


@pytest.mark.parametrize("chunk_tokens", [1, 5, 10**6])
def test_words_are_cut_and_counted(corpus, vocabulary, monkeypatch, chunk_tokens):
    monkeypatch.setattr(counting, "CHUNK_TOKENS", chunk_tokens)
    columns = {"Kranken": 0, "haus": 1, "ken": 2, "Kran": 3, ".": 4, "hausा": 5}
    counts = count_tokens_in_words(corpus, vocabulary, columns).toarray()

    expected = np.zeros((8, 6), dtype=np.int64)
    expected[0, [0, 3]] = 1, 2
    expected[1, [0, 2]] = 1, 2
    expected[2, [1, 5]] = 2, 1
    expected[4, 1] = 2  # "Haus" has no column of its own
    expected[3, 4] = 3
    expected[7, 5] = 1
    assert np.array_equal(counts, expected)


@pytest.mark.parametrize("block", [1, 2, 100])
@pytest.mark.parametrize("header", ["", "4 2\n"])
def test_a_token_is_the_weighted_mean_of_its_words(tmp_path, corpus, vocabulary, monkeypatch, block, header):
    monkeypatch.setattr(word_file, "BLOCK_WORDS", block)
    (tmp_path / "a.vec").write_text(f"{header}Kranken 1 0\nkran 3 6\nelse 9 9\nHaus 2 2\nHaus 8 8\n")
    vectors = Words(str(tmp_path / "a.vec")).train(corpus, vocabulary, seed=1)

    assert vectors.matrix[:5].tolist() == [[pytest.approx(7 / 3), 4], [1, 0], [0, 0], [0, 0], [2, 2]]
    assert vectors.usable.tolist() == [True, True, False, False, True, False, False, False]
    assert vectors.counts.tolist() == corpus.counts(8).tolist()


def test_a_model_with_ngrams_has_a_vector_for_every_text(tmp_path, corpus, vocabulary):
    (tmp_path / "text").write_text("Krankenhaus Haus Kran " * 50)
    arguments = fasttext_pybind.args()
    arguments.input, arguments.dim, arguments.bucket, arguments.thread = str(tmp_path / "text"), 6, 100, 1
    model = fasttext_pybind.fasttext()
    arguments.model, arguments.loss = fasttext_pybind.model_name.cbow, fasttext_pybind.loss_name.ns
    fasttext_pybind.train(model, arguments)
    model.saveModel(str(tmp_path / "a.bin"))
    vectors = Words(str(tmp_path / "a.bin")).train(corpus, vocabulary, seed=1)

    expected = fasttext_pybind.Vector(6)
    model.getWordVector(expected, "ken")
    assert np.array_equal(vectors.matrix[1], np.array(expected))
    assert vectors.usable[[0, 1, 2, 4]].all()
    assert not vectors.usable[6]


def test_a_changed_file_is_another_engine(tmp_path):
    (tmp_path / "a.vec").write_text("a 1 2\n")
    first = Words(str(tmp_path / "a.vec"))
    (tmp_path / "a.vec").write_text("a 1 3\n")

    assert Words(str(tmp_path / "a.vec")) != first


def test_what_can_not_be_read_is_refused(tmp_path, corpus, vocabulary):
    with pytest.raises(SettingError, match=r"read from \.vec and \.bin files; got 'a\.txt'"):
        Words("a.txt")
    with pytest.raises(VectorsError, match=r"none\.vec can't be read \(No such file"):
        Words(str(tmp_path / "none.vec"))
    for name, content, message in [
        ("a.vec", "Haus 1 2\nKran 1\n", "is damaged between 'Haus' and 'Kran'"),
        ("b.vec", "Katze 1 2\n", "gives a vector to none of the 8 target tokens"),
        ("a.bin", "no model", "can't be read as a fastText model"),
    ]:
        (tmp_path / name).write_text(content)
        with pytest.raises(VectorsError, match=message):
            Words(str(tmp_path / name)).train(corpus, vocabulary, seed=1)
