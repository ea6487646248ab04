"""Features of the form of a token."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.tokenization.vocabulary import Family, Role, Token, Vocabulary
from monoglot.vectors.cooccurrence.decomposition import scaled_singular_vectors
from monoglot.vectors.engines.characters import form_features, form_matrix


def vocabulary(*forms: str | bytes, start: bool | None = None) -> Vocabulary:
    tokens = [
        Token(id, f"?{id}", form if isinstance(form, bytes) else form.encode(), start)
        for id, form in enumerate(forms)
    ]
    return Vocabulary(Family.UNIGRAM, tuple(tokens))


def cosines(*forms: str | bytes) -> np.ndarray:
    matrix = form_matrix(vocabulary(*forms)).toarray()
    return matrix @ matrix.T


def test_features_are_marked_ngrams_scripts_and_categories():
    token = Token(0, "▁ßx", "ßx".encode(), True)

    assert list(form_features(token, 2)) == [
        "\x02", "▁", "ß", "x", "\x03",
        "\x02▁", "▁ß", "ßx", "x\x03",
        "\x02\x02LATIN", "\x02\x02Ll", "\x02\x02LATIN", "\x02\x02Ll",
    ]  # fmt: skip


def test_rows_have_unit_length_and_similar_forms_are_near():
    near = cosines("Krankenwagen", "kranken", "Wagen", "xyz", "Кран", "кот", "猫", "犬", "\U0001f9ff")

    assert np.diag(near) == pytest.approx(np.ones(9), abs=1e-5)
    assert near[0, 1] > near[0, 3]
    assert near[0, 2] > near[0, 3]
    assert near[4, 5] > near[4, 1]  # two Cyrillic words without a common n-gram
    assert near[6, 7] > max(near[6, 0], near[6, 4])


def test_word_start_counts_whatever_the_family_calls_it():
    tokens = [Token(0, "▁ab", b"ab", True), Token(1, "ab", b"ab", False), Token(2, "▁cd", b"cd", True)]
    matrix = form_matrix(Vocabulary(Family.UNIGRAM, tuple(tokens))).toarray()

    assert matrix[0] @ matrix[1] < 0.999
    assert matrix[0] @ matrix[2] > matrix[1] @ matrix[2]


def test_parts_of_characters_are_features_too():
    near = cosines("猫".encode()[:2], "猫".encode()[:2] + b"a", b"\xff", "b")

    assert np.isfinite(near).all()
    assert near[0, 1] > near[0, 3]


def test_special_tokens_and_gaps_have_no_features():
    tokens = (Token(0, "<s>", b"<s>", None, frozenset({Role.BOS})), Token(3, "<s", b"<s", None))
    matrix = form_matrix(Vocabulary(Family.UNIGRAM, (*tokens, Token(4, "s>", b"s>", None))))

    assert np.flatnonzero(np.diff(matrix.indptr)).tolist() == [3, 4]


def test_order_of_tokens_changes_nothing_but_the_order():
    forms = ["Hand", "Hund", "und", "Wand", "猫"]
    matrix = form_matrix(vocabulary(*forms))
    turned = form_matrix(vocabulary(*reversed(forms)))
    expected = (matrix @ matrix.T).toarray()[::-1, ::-1]

    np.testing.assert_allclose((turned @ turned.T).toarray(), expected, atol=1e-6)
    assert scaled_singular_vectors(matrix, 3, seed=1).shape == (5, 3)
