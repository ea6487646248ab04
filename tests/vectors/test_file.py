"""Vectors read from files."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.errors import VectorsError
from monoglot.vectors.base import TokenVectors
from monoglot.vectors.file import VectorsFile
from monoglot.vectors.registry import get_engine

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
    ],
)
def test_wrong_text_is_refused(files, read, text, message):
    (files / "a.vec").write_text(text, encoding="utf-8")

    with pytest.raises(VectorsError, match=message):
        read(files / "a.vec")
