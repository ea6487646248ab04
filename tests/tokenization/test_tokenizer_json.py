"""Surgery: pure edits of tokenizer.json, and tokenizers rebuilt with their configuration."""

from __future__ import annotations

import copy

import pytest
from tokenizers import processors
from transformers import AutoTokenizer

from monoglot.errors import TokenizerError
from monoglot.tokenization.tokenizer_json import (
    ids_of,
    merges_into,
    merges_of,
    post_processor_tokens,
    rebuild,
    scores_of,
    state_of,
    with_tokens,
)
from tests.fixtures.tokenizers import FAMILIES, sample

FAMILY_NAMES = sorted(FAMILIES)


def reversed_but_specials(tokenizer):
    """The same tokens with other ids: special ones first, the others backwards."""
    special = list(dict.fromkeys(tokenizer.all_special_tokens))
    others = [text for text in ids_of(state_of(tokenizer)) if text not in special]
    return {text: id for id, text in enumerate([*special, *reversed(others)])}


def parts_of_model(state):
    model = state["model"]
    return {
        "scores": scores_of(state) if model["type"] == "Unigram" else None,
        "merges": merges_of(state) if model["type"] == "BPE" else None,
    }


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_other_ids_segment_alike_and_frame_alike(family, source_tokenizers):
    source = source_tokenizers[family]
    state = state_of(source)
    before = copy.deepcopy(state)
    new = rebuild(source, with_tokens(state, reversed_but_specials(source), **parts_of_model(state)))
    assert state == before
    for line in sample("de", 50):
        ids = source(line)["input_ids"]
        other = new(line)["input_ids"]
        assert other != ids
        assert new.convert_ids_to_tokens(other) == source.convert_ids_to_tokens(ids)
        assert new.decode(other) == source.decode(ids)


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "sentencepiece-bpe"])
def test_a_token_that_the_post_processor_needs_can_not_go(family, source_tokenizers):
    source = source_tokenizers[family]
    state = state_of(source)
    needed = post_processor_tokens(state["post_processor"])[0]
    ids = {text: id for text, id in ids_of(state).items() if text != needed}
    with pytest.raises(TokenizerError, match="needs its special token"):
        with_tokens(state, ids, **parts_of_model(state))


def test_the_unknown_token_can_not_go(source_tokenizers):
    state = state_of(source_tokenizers["wordpiece"])
    ids = {text: id for text, id in ids_of(state).items() if text != "[UNK]"}
    with pytest.raises(TokenizerError, match=r"\[UNK\]"):
        with_tokens(state, ids)


@pytest.mark.parametrize(
    "processor",
    [
        processors.RobertaProcessing(("</s>", 2), ("<s>", 0)),
        processors.BertProcessing(("</s>", 2), ("<s>", 0)),
        processors.Sequence(
            [
                processors.ByteLevel(),
                processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]),
            ]
        ),
    ],
    ids=["roberta", "bert", "sequence"],
)
def test_every_kind_of_post_processor_is_renumbered(processor, source_tokenizers):
    source = rebuild(source_tokenizers["unigram"], state_of(source_tokenizers["unigram"]))
    source.backend_tokenizer.post_processor = processor
    state = state_of(source)
    ids = {text: len(source) - 1 - id for text, id in ids_of(state).items()}
    new = rebuild(source, with_tokens(state, ids, **parts_of_model(state)))
    assert new("und")["input_ids"] == [
        ids[text] for text in source.convert_ids_to_tokens(source("und").input_ids)
    ]


def test_configuration_survives_rebuilding_saving_and_reloading(source_tokenizers, tmp_path):
    source = rebuild(source_tokenizers["byte-level-bpe"], state_of(source_tokenizers["byte-level-bpe"]))
    source.padding_side = "left"
    source.truncation_side = "left"
    source.model_max_length = 77
    source.model_input_names = ["input_ids", "attention_mask"]
    source.chat_template = "{{ messages[0]['content'] }}"
    source.add_special_tokens({"pad_token": "<|pad|>", "extra_special_tokens": ["<|im_end|>"]})
    new = rebuild(source, state_of(source))
    new.save_pretrained(tmp_path)
    for tokenizer in (new, AutoTokenizer.from_pretrained(tmp_path)):
        assert (tokenizer.padding_side, tokenizer.truncation_side) == ("left", "left")
        assert tokenizer.model_max_length == 77
        assert list(tokenizer("x")) == ["input_ids", "attention_mask"]
        assert tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False) == "hi"
        assert tokenizer.pad_token == "<|pad|>"
        assert tokenizer.all_special_ids == source.all_special_ids
        assert tokenizer(["a", "b c d"], padding=True).data == source(["a", "b c d"], padding=True).data


def test_an_invalid_file_is_refused_by_name(source_tokenizers):
    source = source_tokenizers["byte-level-bpe"]
    state = state_of(source)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json is not valid"):
        rebuild(source, with_tokens(state, ids_of(state), merges=[("nowhere", "known")]))


def test_both_ways_of_writing_merges_are_read(source_tokenizers):
    state = state_of(source_tokenizers["byte-level-bpe"])
    merges = merges_of(state)
    state["model"]["merges"] = [" ".join(merge) for merge in merges]
    assert merges_of(state) == merges


def test_every_way_to_make_a_piece_is_a_merge():
    known = {text: rank for rank, text in enumerate(["abc", "bc", "ab", "a", "b", "c"])}
    assert merges_into(["abc", "bc"], known) == [("ab", "c"), ("a", "bc"), ("b", "c")]
