"""Vectors read from files."""

from __future__ import annotations

import fasttext_pybind
import numpy as np
import pytest

from monoglot.cli.first_second import check_vectors
from monoglot.errors import SettingError, VectorsError
from monoglot.tokenization.vocabulary import Family, Role, Token, Vocabulary
from monoglot.vectors import vector_files as word_file
from monoglot.vectors.engine import TokenVectors
from monoglot.vectors.registry import get_engine
from monoglot.vectors.vector_files import RANK_SHIFT, VectorsFile, open_word_file

MATRIX = np.array([[1, 2], [0, 0], [3, 4.5], [0, 0]], dtype=np.float32)


@pytest.fixture
def read(written, spelled):
    """Reads a file for a vocabulary with a gap, a token with white space, and a corpus of one line."""
    vocabulary, corpus = spelled(["▁ja", "▁nein", "\n ", "x"]), written([[0, 2, 2]])
    return lambda path: VectorsFile.at(path).train(corpus, vocabulary, seed=1)


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "a.npy", MATRIX.astype(np.float64))
    (tmp_path / "a.vec").write_text("3 2\n▁ja 1 2\nunbekannt 9 9\n\ue00a\ue020 3 4.5 \n", encoding="utf-8")
    TokenVectors(MATRIX, MATRIX.any(axis=1), np.zeros(4, dtype=np.int64)).save(tmp_path / "a.safetensors")
    return tmp_path


@pytest.mark.parametrize("suffix", ["npy", "vec", "safetensors"])
def test_every_format_gives_the_same(files, read, suffix):
    vectors = read(files / f"a.{suffix}")

    assert vectors.matrix.dtype == np.float32
    assert np.array_equal(vectors.matrix, MATRIX)
    assert vectors.usable.tolist() == [True, False, True, False]
    assert vectors.counts.tolist() == [1, 0, 2, 0]


@pytest.mark.parametrize("suffix", ["npy", "vec", "safetensors"])
def test_suffixes_may_be_in_capitals(files, written, spelled, suffix):
    path = (files / f"a.{suffix}").rename(files / f"A.{suffix.upper()}")
    corpus, vocabulary = written([[0, 2, 2]]), spelled(["▁ja", "▁nein", "\n ", "x"])
    assert np.array_equal(get_engine(str(path)).train(corpus, vocabulary, seed=1).matrix, MATRIX)
    check_vectors(str(path), {})


def test_file_is_an_engine_known_by_its_content(files):
    first = get_engine(str(files / "a.npy"))
    np.save(files / "a.npy", MATRIX + 1)

    assert get_engine(str(files / "a.npy")) != first


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (MATRIX[:3], r"has 3 rows, but the target vocabulary has 4 ids"),
        (MATRIX[0], r"array of float32 of the shape \(2,\)"),
        (MATRIX.astype("U"), r"array of <U\d+ of the shape \(4, 2\)"),
        (np.array([[None]]), r"can't be read as a \.npy file"),
        (np.where(MATRIX == 3, np.nan, MATRIX), r"1 rows that are not finite \(the first is row 2\)"),
    ],
)
def test_wrong_arrays_are_refused(files, read, matrix, message):
    np.save(files / "a.npy", matrix)

    with pytest.raises(VectorsError, match=message):
        read(files / "a.npy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("▁ja 1 2\n▁nein 1\n", r"line 2 of .* has 1 numbers; expected 2"),
        ("▁ja 1 zwei\n", r"line 1 of .* something else than numbers"),
        ("ja 1 2 3\n", r"no vector for any of the 4 target tokens"),
        ("", r"no vector for any of the 4 target tokens"),
        ("ja 1 2\nfür 1 2\n", r"line 2 of .* is not UTF-8: convert the file"),
    ],
)
def test_wrong_text_is_refused(files, read, text, message):
    (files / "a.vec").write_text(text, encoding="latin-1" if "UTF-8" in message else "utf-8")

    with pytest.raises(VectorsError, match=message):
        read(files / "a.vec")


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
    found = open_word_file(listed.rename(listed.with_name("A.VEC"))).vectors_of(["haus", "Haus", "Kranken"])
    assert {word: vector.tolist() for word, vector in found.items()} == {"haus": [1, 0], "Kranken": [0, 4]}


def test_an_ngram_model_knows_its_words_and_any_token(tmp_path, vocabulary):
    (tmp_path / "text").write_text("Krankenhaus haus Kran " * 50)
    arguments = fasttext_pybind.args()
    arguments.input, arguments.dim, arguments.bucket, arguments.thread = str(tmp_path / "text"), 6, 100, 1
    model = fasttext_pybind.fasttext()
    arguments.model, arguments.loss = fasttext_pybind.model_name.cbow, fasttext_pybind.loss_name.ns
    fasttext_pybind.train(model, arguments)
    model.saveModel(str(tmp_path / "A.BIN"))
    words = open_word_file(tmp_path / "A.BIN")

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
