"""Rows that were never trained are recognized, trained ones never."""

from __future__ import annotations

import pytest
import torch

from monoglot.errors import ModelError
from monoglot.model.tables import FIRST_COLUMNS, check_finite, trained_rows
from monoglot.tokenization.roles import is_reserved
from monoglot.tokenization.vocabulary import Vocabulary


@pytest.fixture
def vocabulary(source_tokenizers):
    return Vocabulary.of(source_tokenizers["unigram"])


def table_of(vocabulary, rows=None):
    return torch.randn(rows or vocabulary.size, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_ordinary_rows_are_trained(vocabulary, dtype):
    table = torch.cat([table_of(vocabulary), torch.ones(36, 6)]).to(dtype)
    assert trained_rows(table, vocabulary).tolist() == [True] * vocabulary.size


def test_zero_rows_and_equal_rows_are_not_trained(vocabulary):
    table = table_of(vocabulary)
    table[7] = 0
    table[8] = -0.0
    table[[20, 900, 901]] = table[5].clone()
    untrained = (~trained_rows(table, vocabulary)).nonzero()[0].tolist()
    assert untrained == [5, 7, 8, 20, 900, 901]


def test_rows_that_differ_in_one_bit_are_trained(vocabulary):
    table = table_of(vocabulary)
    table[9] = table[10]
    table[9, 3] = torch.nextafter(table[9, 3], torch.tensor(9.0))
    assert trained_rows(table, vocabulary).all()


def test_ids_beyond_the_table_are_not_trained(vocabulary):
    trained = trained_rows(table_of(vocabulary, vocabulary.size - 3), vocabulary)
    assert len(trained) == vocabulary.size
    assert (~trained).nonzero()[0].tolist() == [vocabulary.size - i for i in (3, 2, 1)]


RESERVED = [
    "<unused12>",
    "[unused3]",
    "<|reserved_special_token_12|>",
    "<|reserved_200012|>",
    "madeupword0001",
]
RESERVED += [
    "<SPECIAL_20>",
    "<|extra_20|>",
    "<|placeholder1|>",
    "[control_8]",
    "<reserved_106>",
    "<|unused_3|>",
]


@pytest.mark.parametrize("text", RESERVED)
def test_reserved_spellings(text):
    assert is_reserved(text)


@pytest.mark.parametrize(
    "text", ["<extra_id_3>", "[MASK]", "<s>", "unused", "reserved", "<start_of_turn>", "<|im_end|>"]
)
def test_spellings_of_real_tokens(text):
    assert not is_reserved(text)


def test_rows_that_only_begin_alike_are_trained(vocabulary):
    table = torch.randn(vocabulary.size, 40, generator=torch.Generator().manual_seed(0))
    table[30:60, :FIRST_COLUMNS] = table[5, :FIRST_COLUMNS]
    table[70, :FIRST_COLUMNS] = 0
    table[81] = table[80]
    assert (~trained_rows(table, vocabulary)).nonzero()[0].tolist() == [80, 81]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_finite_numbers_whose_sum_is_not_finite_are_accepted(dtype):
    check_finite("table", torch.full((4, 4), torch.finfo(dtype).max, dtype=dtype))


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_number_that_is_not_finite_is_found(dtype, wrong):
    table = torch.zeros(40, 4, dtype=dtype)
    table[7, 1] = wrong
    table[9, 2] = -wrong
    with pytest.raises(ModelError, match="Row 7 of table"):
        check_finite("table", table)
