"""The table of tokens: its order, its parents, and what of it the page gets."""

import numpy as np
from hypothesis import given, strategies as st

from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.report.tokens import UNIT, heaviest_entries, token_table
from monoglot.tokenization.parts import Family, Token
from monoglot.tokenization.vocabulary import Vocabulary

TOKENS = ("▁der", "▁Haus", "кот")


def table():
    vocabulary = Vocabulary(
        Family.UNIGRAM,
        tuple(Token(id, text, text.strip("▁").encode(), text[0] == "▁") for id, text in enumerate(TOKENS)),
    )
    rows = SparseRows(offsets(np.array([1, 3, 1])), np.array([4, 1, 2, 3, 0]),
                      np.array([1, 0.2, 0.5, 0.3, 1], np.float32))  # fmt: skip
    provenance = np.array([Provenance.COPIED, Provenance.METHOD, Provenance.COPIED], np.uint8)
    mixture = Mixture(rows, provenance, np.ones(5, bool))
    names = ["кот (old)", "one", "two", "three", "▁der"]
    return token_table(vocabulary, mixture, np.array([5, 9, 1]), names.__getitem__), names.__getitem__


def test_the_most_frequent_come_first_with_what_they_are_made_of():
    found, name = table()
    assert found.texts == ("▁Haus", "▁der", "кот")
    assert found.scripts == ("Latin", "Latin", "Cyrillic")
    packed = found.packed(name)
    parents = [packed["sources"][parent] for parent in packed["parents"]]
    assert parents == ["two", "three", "one", "кот (old)"]  # ▁der is the same in the source
    assert packed["starts"] == [0, 3, 3, 4]
    assert [weight / UNIT for weight in packed["weights"]] == [0.5, 0.3, 0.2, 1]
    assert packed["provenance"] == {"names": ["copied", "method"], "codes": [1, 0, 0]}


@given(
    st.lists(st.lists(st.floats(-1, 1, width=32), max_size=9), min_size=1, max_size=6),
    st.integers(1, 4),
)
def test_the_heaviest_entries_are_kept(weights, most):
    rows = SparseRows(
        offsets(np.array([len(row) for row in weights])),
        np.array([c for row in weights for c in range(len(row))], np.int64),
        np.array([w for row in weights for w in row], np.float32),
    )
    kept = heaviest_entries(rows, most)
    for number, row in enumerate(weights):
        columns, found = kept.row(number)
        assert np.abs(found).tolist() == sorted(np.abs(np.array(row, np.float32)), reverse=True)[:most]
        assert [np.float32(row[column]) for column in columns] == found.tolist()
