"""Ids in configurations follow their tokens, by role, by spelling, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import GenerationConfig, LlamaConfig, MBartConfig

from monoglot.errors import ModelError
from monoglot.model.token_ids import Renumbering, renumber
from tests.fixtures.models import permuted


@pytest.fixture
def source(source_tokenizers):
    """Unigram: <s> 0, <pad> 1, </s> 2, <unk> 3, <mask> 4."""
    return source_tokenizers["unigram"]


@pytest.fixture
def wordpiece(target_tokenizers):
    """WordPiece: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4."""
    return target_tokenizers["wordpiece"]


def test_special_tokens_correspond_by_role_whatever_their_spelling(source, wordpiece):
    ids = Renumbering(source, wordpiece)
    roles = ["bos_token", "eos_token", "pad_token", "unk_token", "mask_token", "cls_token", "sep_token"]
    found = {role: ids.new_id(getattr(source, f"{role}_id"), role) for role in roles}
    assert found == dict(zip(roles, [2, 3, 0, 1, 4, 2, 3], strict=True))


def test_other_tokens_correspond_by_spelling(source):
    order = np.random.default_rng(0).permutation(len(source))
    ids = Renumbering(source, permuted(source, order))
    assert [order[ids.new_id(old)] for old in range(5, 50)] == list(range(5, 50))
    assert ids.new_id(10**6) is None
    assert ids.new_id(-1) is None


def test_one_token_of_several_roles(target_tokenizers, source):
    endoftext = target_tokenizers["byte-level-bpe"]
    config = LlamaConfig(bos_token_id=0, eos_token_id=0, pad_token_id=0)
    renumber(config, Renumbering(endoftext, source))
    assert (config.bos_token_id, config.eos_token_id) == (source.bos_token_id, source.eos_token_id)
    assert config.pad_token_id in (source.bos_token_id, source.eos_token_id)


def test_lists_lose_what_is_gone_and_unset_ids_stay_unset(source, wordpiece):
    gone = source.convert_tokens_to_ids("▁der")
    kept = next(i for i in range(20, 1500) if source.convert_ids_to_tokens(i) in wordpiece.get_vocab())
    settings = GenerationConfig(
        eos_token_id=[2, gone, 2], suppress_tokens=[gone, kept], begin_suppress_tokens=[gone]
    )
    renumber(settings, Renumbering(source, wordpiece))
    assert settings.eos_token_id == [3]
    assert settings.suppress_tokens == [wordpiece.convert_tokens_to_ids(source.convert_ids_to_tokens(kept))]
    assert settings.begin_suppress_tokens == []
    assert settings.pad_token_id is None


def test_forbidden_words_are_tokenized_afresh(source, wordpiece):
    words = source("der Zauberer", add_special_tokens=False).input_ids
    settings = GenerationConfig(bad_words_ids=[words, [2]])
    renumber(settings, Renumbering(source, wordpiece))
    assert wordpiece.decode(settings.bad_words_ids[0]) == "der Zauberer"
    assert settings.bad_words_ids[1] == [3]


def test_a_role_that_the_target_lacks_becomes_unset(source, target_tokenizers):
    config = LlamaConfig(bos_token_id=0, eos_token_id=2, pad_token_id=1)
    renumber(config, Renumbering(source, target_tokenizers["byte-level-bpe"]))
    assert config.pad_token_id is None
    assert config.eos_token_id == 0


def test_generation_that_starts_with_a_vanished_token_is_refused(source, wordpiece):
    language = source.convert_tokens_to_ids("▁der")
    config = MBartConfig(decoder_start_token_id=language)
    with pytest.raises(ModelError, match=rf"decoder_start_token_id .* {language} \(▁der\).*add this token"):
        renumber(config, Renumbering(source, wordpiece))
    with pytest.raises(ModelError, match="forced_bos_token_id"):
        renumber(GenerationConfig(forced_bos_token_id=language), Renumbering(source, wordpiece))


@pytest.fixture
def moved(source):
    """The tokenizer with its ids in another order, and where each went."""
    order = np.random.default_rng(1).permutation(len(source))
    new = permuted(source, order)
    return Renumbering(source, new), {int(old): place for place, old in enumerate(order)}


def test_ids_are_found_wherever_they_stand(moved):
    ids, to = moved
    config = LlamaConfig(
        task_specific_params={"translation": {"decoder_start_token_id": 9, "prefix": "x", "max_length": 9}},
        lang_to_id={"<|en|>": 10, "<|de|>": 11},
        audio={"eos_token_id": [12, 13], "hidden_size": 12},
        parts=[{"pad_token_id": 14}, {"layers": 14}],
    )
    labels = dict(config.label2id)
    renumber(config, ids)
    assert config.task_specific_params == {
        "translation": {"decoder_start_token_id": to[9], "prefix": "x", "max_length": 9}
    }
    assert config.lang_to_id == {"<|en|>": to[10], "<|de|>": to[11]}
    assert config.audio == {"eos_token_id": [to[12], to[13]], "hidden_size": 12}
    assert config.parts == [{"pad_token_id": to[14]}, {"layers": 14}]
    assert config.label2id == labels


def test_ids_of_generation_in_every_form(moved):
    ids, to = moved
    generation = GenerationConfig(
        forced_decoder_ids=[[1, 9], [2, None]], force_words_ids=[[[10, 11]], [[12], [13]]],
        sequence_bias=[[[14, 15], -1.0]], suppress_tokens=[16, 17], bad_words_ids=[[18]],
        eos_token_id=[2, 20],
    )  # fmt: skip
    renumber(generation, ids)
    assert generation.forced_decoder_ids == [[1, to[9]], [2, None]]
    assert generation.force_words_ids == [[[to[10], to[11]]], [[to[12]], [to[13]]]]
    assert generation.sequence_bias == [[[to[14], to[15]], -1.0]]
    assert generation.suppress_tokens == [to[16], to[17]]
    assert generation.bad_words_ids == [[to[18]]]
    assert generation.eos_token_id == [to[2], to[20]]


def test_entries_whose_tokens_are_gone_are_named(source, wordpiece, caplog):
    language = source.convert_tokens_to_ids("▁der")
    config = LlamaConfig(lang_to_id={"<|de|>": language, "end": 2})
    renumber(config, Renumbering(source, wordpiece))
    assert config.lang_to_id == {"end": 3}
    assert "lang_to_id loses 1 entries whose tokens are gone, such as <|de|>" in caplog.text
