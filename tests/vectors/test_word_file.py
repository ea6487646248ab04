"""Word vectors of files, and what tokens get of them; broken files are tried with the engine of words."""

from __future__ import annotations

import fasttext_pybind
import numpy as np
import pytest

from monoglot.errors import SettingError, VectorsError
from monoglot.tokenization.vocabulary import Family, Role, Token, Vocabulary
from monoglot.vectors import word_file
from monoglot.vectors.word_file import RANK_SHIFT, open_word_file

TEXTS = ["<s>", "▁Kran", "ken", "▁haus", "haus", "▁x"]


@pytest.fixture
def vocabulary():
    roles = [frozenset({Role.BOS})] + [frozenset()] * 5
    return Vocabulary(
        Family.UNIGRAM,
        tuple(
            Token(id, text, text.strip("▁").encode(), text.startswith("▁"), roles[id])
            for id, text in enumerate(TEXTS)
        ),
    )


def cut(texts):
    """Knows three words: Kran ken, haus in two spellings, and haus haus."""
    known = {" Kranken": [1, 2], "Kranken": [0, 2], " haus": [3], "haus": [4], " haushaus": [3, 4, 4]}
    return [known.get(text, []) for text in texts]


@pytest.fixture
def listed(tmp_path):
    (tmp_path / "a.vec").write_text("4 2\nhaus 1 0\nKranken 0 4\nhaushaus 3 8\nhaus 9 9\n")
    return tmp_path / "a.vec"


@pytest.mark.parametrize("block", [1, 3, 100])
def test_a_token_is_the_mean_of_the_words_that_contain_it(listed, vocabulary, monkeypatch, block):
    monkeypatch.setattr(word_file, "BLOCK_WORDS", block)
    equal = open_word_file(listed, 3).token_vectors(vocabulary, cut, by_rank=False)
    assert equal.tolist() == [[0, 0], [0, 4], [0, 4], [2, 4], [2, 4], [0, 0]]
    ranked = open_word_file(listed, 3).token_vectors(vocabulary, cut)
    first, third = 1 / (1 + RANK_SHIFT), 1 / (3 + RANK_SHIFT)
    np.testing.assert_allclose(
        ranked[3], [(first + 3 * third) / (first + third), 8 * third / (first + third)]
    )
    assert ranked[3].tolist() == ranked[4].tolist()


def test_words_are_looked_up_and_the_first_of_equal_ones_counts(listed):
    found = open_word_file(listed).vectors_of(["haus", "Haus", "Kranken"])
    assert {word: vector.tolist() for word, vector in found.items()} == {"haus": [1, 0], "Kranken": [0, 4]}


def test_an_ngram_model_knows_its_words_and_any_token(tmp_path, vocabulary):
    (tmp_path / "text").write_text("Krankenhaus haus Kran " * 50)
    arguments = fasttext_pybind.args()
    arguments.input, arguments.dim, arguments.bucket, arguments.thread = str(tmp_path / "text"), 6, 100, 1
    model = fasttext_pybind.fasttext()
    arguments.model, arguments.loss = fasttext_pybind.model_name.cbow, fasttext_pybind.loss_name.ns
    fasttext_pybind.train(model, arguments)
    model.saveModel(str(tmp_path / "a.bin"))
    words = open_word_file(tmp_path / "a.bin")

    assert words.vectors_of({"haus", "Katze"}).keys() == {"haus"}
    matrix = words.token_vectors(vocabulary, cut)
    assert np.array_equal(matrix[3], words.vectors_of(["haus"])["haus"])
    assert np.array_equal(matrix[3], matrix[4])
    assert not matrix[0].any()
    assert matrix[2].any()


def test_other_paths_are_refused(tmp_path):
    with pytest.raises(SettingError, match=r"\.vec and \.bin files; got 'a\.txt'"):
        open_word_file(tmp_path.__class__("a.txt"))
    with pytest.raises(VectorsError, match="No such file"):
        open_word_file(tmp_path / "none.vec")
