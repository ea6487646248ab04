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


def test_settings_of_an_unknown_kind_are_refused(source, wordpiece):
    with pytest.raises(ModelError, match="sequence_bias"):
        renumber(GenerationConfig(sequence_bias=[[[5], -1.0]]), Renumbering(source, wordpiece))
