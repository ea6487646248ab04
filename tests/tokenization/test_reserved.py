"""One definition of tokens in reserve, over the spellings of many models."""

from __future__ import annotations

import pytest

from monoglot.tokenization.reserved import is_control, is_reserved

RESERVED = (
    "<unused7>", "[unused7]", "<|unused_7|>", "[UNUSED_12]", "<reserved_3>", "<|reserved_special_token_7|>",
    "<|reserved_200017|>", "<SPECIAL_12>", "<|extra_0|>", "madeupword0001", "<s>NOTUSED", "</s>NOTUSED",
    "<|placeholder12|>", "<｜place▁holder▁no▁17｜>", "<dummy00001>", "<|dummy_3|>", "[PAD5]", "<pad12>",
    "<control_7>",     "<blank3>", "<filler-4>", "▁<unused3>", "<|reserved_token_5|>",
)  # fmt: skip
TRAINED = (
    "<extra_id_7>", "▁<extra_id_7>", "<pad>", "[PAD]", "<mask>", "<s>", "<|im_start|>", "<|vision_pad|>",
    "<2de>", "deu_Latn", "<0x0A>", "unused", "reserved", "special7", "▁extra", "<|endoftext|>", "[Q]",
    "<speaker_1>", "7", "",
)  # fmt: skip


@pytest.mark.parametrize("text", RESERVED)
def test_reserved(text):
    assert is_reserved(text)
    assert not is_control(text)


@pytest.mark.parametrize("text", TRAINED)
def test_trained(text):
    assert not is_reserved(text)


@pytest.mark.parametrize("text", ["▁<extra_id_7>", "<2de>", "<|im_start|>", "[CLS]", "<mask>"])
def test_control(text):
    assert is_control(text)


@pytest.mark.parametrize("text", ["<0x0A>", "<", ">", "[]", "<>", "▁[", "a<b>", "<a b>", "[unused3]", "▁der"])
def test_no_control(text):
    assert not is_control(text)
