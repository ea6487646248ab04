"""Crosstabs of tokens."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.reporting.figures.bars import stacked_bars
from monoglot.reporting.tokens import MOST_ROWS, UNIT, crosstab, cut, examples, heaviest_entries, token_table
from monoglot.tokenization.parts import Family, Token
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.tokenizers import DATA


def test_groups_are_counted_by_part_the_largest_first():
    found = crosstab(["a", "b", "b", "b"], ["x", "x", "y", "y"], ["y", "x"])
    assert found.rows == ("b", "a")
    assert found.counts == ((2, 1), (0, 1))


def test_small_groups_become_one():
    groups = [f"g{number}" for number in range(20) for _ in range(20 - number)]
    found = crosstab(groups, ["x"] * len(groups), ["x"])
    assert len(found.rows) == MOST_ROWS
    assert found.rows[-1] == "others"
    assert sum(sum(row) for row in found.counts) == len(groups)


def test_bars_are_as_long_as_their_share():
    figure = str(stacked_bars("t", crosstab(["a"] * 4, ["x", "y", "y", "y"], ["x", "y"]), {"x": 0, "y": 1}))
    assert "25%" in figure
    assert "75%" in figure
    assert ">4<" in figure


LINES = [
    line
    for language in ("de", "ar", "ja")
    for line in (DATA / f"{language}.txt").read_text().splitlines()[:8]
]


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "byte-level-bpe", "sentencepiece-bpe"])
def test_pieces_are_the_line(source_tokenizers, family):
    tokenizer = source_tokenizers[family]
    for line, pieces in zip(LINES, cut(tokenizer, LINES), strict=True):
        assert "".join(piece.text for piece in pieces) == line
        assert sum(piece.tokens for piece in pieces) == len(
            tokenizer(line, add_special_tokens=False).input_ids
        )


def test_characters_cut_into_bytes_are_one_piece_of_several_tokens(source_tokenizers):
    (pieces,) = cut(source_tokenizers["byte-level-bpe"], ["x 🦔"])
    assert pieces[-1].text.endswith("🦔")
    assert pieces[-1].tokens > 1


def test_sentences_come_from_all_over_the_text_and_long_ones_are_shortened(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    lines = ["Wort " * 100, "", "kurz"]
    found = examples(None, tokenizer, lines, 6)
    texts = ["".join(piece.text for piece in example.after) for example in found]
    assert texts[1:] == ["kurz"]
    assert texts[0].endswith(" …")
    assert len(texts[0]) < 180
    assert all(example.before is None for example in found)
    assert examples(tokenizer, tokenizer, [], 6) == []


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
