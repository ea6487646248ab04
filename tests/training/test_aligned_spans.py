"""Alignment of two tokenizations: spans end where both have a boundary."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from monoglot.training.aligned_spans import NOWHERE, align, byte_lengths
from tests.fixtures.tokenizers import FAMILIES, sample

lengths = st.lists(st.integers(0, 5), min_size=1, max_size=20).map(np.array)


def test_stretches_end_at_common_boundaries():
    # Kranken|wagen|fahrer against Kran|ken|wagenfahrer
    found = align(np.array([7, 5, 6]), np.array([4, 3, 11]))
    assert found.first.tolist() == [0, 1, 1]
    assert found.second.tolist() == [0, 0, 1]
    assert found.spans == 2


def test_a_token_of_no_bytes_belongs_to_what_follows():
    assert align(np.array([2, 0, 3]), np.array([2, 3])).first.tolist() == [0, 1, 1]
    assert align(np.array([0, 2, 0]), np.array([2])).first.tolist() == [0, 0, NOWHERE]


def test_what_lies_behind_the_last_common_boundary_is_nowhere():
    found = align(np.array([2, 3]), np.array([2, 2, 4]))
    assert found.first.tolist() == [0, NOWHERE]
    assert found.second.tolist() == [0, NOWHERE, NOWHERE]


@given(lengths, lengths)
def test_each_stretch_has_the_same_bytes_on_both_sides(first, second):
    found = align(first, second)
    for span in range(found.spans):
        both = [sizes[of == span].sum() for sizes, of in ((first, found.first), (second, found.second))]
        assert both[0] == both[1] > 0
    for of in (found.first, found.second):
        inside = of[of != NOWHERE]
        assert (np.diff(inside) >= 0).all()
        assert (of[len(inside) :] == NOWHERE).all()


@given(lengths)
def test_a_text_aligned_with_itself_is_cut_at_every_token(sizes):
    found = align(sizes, sizes)
    assert found.first.tolist() == found.second.tolist()
    assert found.spans == (sizes > 0).sum()


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_of_a_text_have_its_bytes(family, source_tokenizers):
    tokenizer = source_tokenizers[family]
    sizes = byte_lengths(tokenizer)
    compared = 0
    for line in sample("de", 20):
        ids = tokenizer(line, add_special_tokens=False)["input_ids"]
        if tokenizer.unk_token_id not in ids:
            normal = tokenizer.backend_tokenizer.normalizer
            text = normal.normalize_str(line) if normal else line
            compared += 1
            assert sizes[ids].sum() == len("".join(text.replace("▁", " ").split()).encode())
    assert compared > 5
