"""One definition of tokens in reserve, over the spellings of many models."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, processors
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.parts import Role, Token
from monoglot.tokenization.roles import counterpart, is_control, is_reserved
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.handmade import byte_level_of

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


def roles(tokenizer: Tokenizer | PreTrainedTokenizerFast) -> dict[str, set[Role]]:
    return {token.text: set(token.roles) for token in Vocabulary.of(tokenizer).special}


def with_special(*texts: str) -> Tokenizer:
    tokenizer = byte_level_of("a", "b")
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in texts])
    return tokenizer


def test_names_given_by_transformers_count():
    fast = PreTrainedTokenizerFast(
        tokenizer_object=with_special("<|im_end|>", "<|endoftext|>", "<s>"),
        eos_token="<|im_end|>", pad_token="<|endoftext|>",
    )  # fmt: skip
    assert roles(fast) == {"<|im_end|>": {Role.EOS}, "<|endoftext|>": {Role.PAD}, "<s>": {Role.CONTROL}}


def test_one_token_may_serve_several_roles():
    fast = PreTrainedTokenizerFast(tokenizer_object=with_special("<e>"), eos_token="<e>", pad_token="<e>")
    assert roles(fast) == {"<e>": {Role.EOS, Role.PAD}}


def test_common_spellings_where_nothing_is_named():
    tokenizer = with_special("[CLS]", "<pad>", "<|endoftext|>", "<unused0>")
    expected = {"[CLS]": {Role.CLS}, "<pad>": {Role.PAD}, "<|endoftext|>": {Role.BOS, Role.EOS}}
    assert roles(tokenizer) == expected | {"<unused0>": {Role.CONTROL}}
    assert roles(PreTrainedTokenizerFast(tokenizer_object=tokenizer)) == roles(tokenizer)


def test_the_post_processor_tells_what_an_unknown_spelling_is_for():
    tokenizer = with_special("<start>", "<stop>")
    ids = [(text, tokenizer.token_to_id(text)) for text in ("<start>", "<stop>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<start> $A <stop>", special_tokens=ids)
    assert roles(tokenizer) == {"<start>": {Role.BOS}, "<stop>": {Role.EOS}}
    tokenizer.post_processor = processors.RobertaProcessing(ids[1], ids[0])
    assert roles(tokenizer) == {"<start>": {Role.CLS}, "<stop>": {Role.SEP}}


def test_the_model_tells_its_unknown_token(source_tokenizers):
    assert roles(source_tokenizers["wordpiece"].backend_tokenizer)["[UNK]"] == {Role.UNK}


def served(**ids: int) -> dict[Role, Token]:
    return {Role(name): Token(id, name, name.encode(), None) for name, id in ids.items()}


def test_counterparts():
    def partner(wanted: set[Role], **ids: int) -> int | None:
        token = counterpart(frozenset(wanted), served(**ids))
        return None if token is None else token.id

    assert partner({Role.MASK}, mask=4, unk=3) == 4
    assert partner({Role.CLS}, bos=1, eos=2) == 1
    assert partner({Role.SEP}, bos=1, eos=2) == 2
    assert partner({Role.BOS}, cls=1, sep=2) == 1
    assert partner({Role.EOS}, cls=1, sep=2) == 2
    assert partner({Role.BOS, Role.EOS}, bos=1, eos=2) == 2
    assert partner({Role.BOS, Role.CLS}, cls=1, eos=2) == 1
    assert partner({Role.BOS, Role.EOS, Role.UNK}, cls=1, sep=2, unk=3) == 2
    assert partner({Role.PAD}, eos=2, unk=3) == 2
    assert partner({Role.MASK}, unk=3, eos=2) is None
    assert partner({Role.UNK}, eos=2) is None
    assert partner({Role.CONTROL}, eos=2) is None
