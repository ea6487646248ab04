"""Extending: new tokens are really used, old ids stay, and trimming back gives the source again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from transformers import AutoTokenizer

from monoglot.errors import SettingError, TokenizerError
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer
from monoglot.tokenization.tokenizer_json import merges_of, state_of
from monoglot.tokenization.trim import select_tokens
from tests.fixtures.tokenizers import FAMILIES, LANGUAGES, sample

FAMILY_NAMES = sorted(FAMILIES)
HELD_OUT = sample("de", 1700)[1500:]
ADDED = 150


@pytest.fixture(scope="module")
def extended(source_tokenizers, target_tokenizers):
    return {
        name: extend_tokenizer(source, target_tokenizers[name], ExtendSettings(ADDED))
        for name, source in source_tokenizers.items()
    }


def length(tokenizer, lines):
    return sum(len(tokenizer(line)["input_ids"]) for line in lines)


def spellings(tokenizer, id):
    """Texts, one of which is segmented into the token: alone, or in a word that begins in another way."""
    text = tokenizer.decode([id]).removeprefix("##")
    return [text, *(letter + text for letter in "abcdefghijklmnopqrstuvwxyz0123456789")]


@pytest.mark.parametrize("family", FAMILY_NAMES)
class TestEveryFamily:
    def test_adds_so_many_tokens_after_the_old_ones(self, family, extended, source_tokenizers):
        old, new = source_tokenizers[family].get_vocab(), extended[family].get_vocab()
        assert len(new) == len(old) + ADDED
        assert {text: new[text] for text in old} == old
        assert sorted(new.values()) == list(range(len(new)))
        assert len(extended[family].added_tokens_decoder) == len(
            source_tokenizers[family].added_tokens_decoder
        )

    def test_most_are_the_targets_first_tokens(self, family, extended, source_tokenizers, target_tokenizers):
        old = source_tokenizers[family].get_vocab()
        new = set(extended[family].get_vocab()) - set(old)
        target = target_tokenizers[family].get_vocab()
        assert len(new & set(target)) > 0.8 * ADDED

    def test_old_ids_decode_as_before(self, family, extended, source_tokenizers):
        for language in LANGUAGES:
            for line in sample(language, 30):
                ids = source_tokenizers[family](line)["input_ids"]
                assert extended[family].decode(ids) == source_tokenizers[family].decode(ids)

    def test_text_comes_back_as_before(self, family, extended, source_tokenizers):
        def errors(tokenizer):
            return sum(
                tokenizer.decode(tokenizer(line, add_special_tokens=False)["input_ids"]) != line
                for line in HELD_OUT
            )

        assert errors(extended[family]) <= errors(source_tokenizers[family])

    def test_needs_fewer_tokens_for_the_language(self, family, extended, source_tokenizers):
        assert length(extended[family], HELD_OUT) < 0.97 * length(source_tokenizers[family], HELD_OUT)

    def test_every_added_token_is_made_of_its_own_text(self, family, extended, source_tokenizers):
        tokenizer = extended[family]
        for id in range(len(source_tokenizers[family]), len(tokenizer)):
            texts = spellings(tokenizer, id)
            if "�" not in texts[0]:  # part of a character has no text of its own
                assert any(id in tokenizer(text)["input_ids"] for text in texts), texts[0]

    def test_reloads_as_it_was_saved(self, family, extended, tmp_path):
        extended[family].save_pretrained(tmp_path)
        assert AutoTokenizer.from_pretrained(tmp_path)(HELD_OUT).data == extended[family](HELD_OUT).data

    @given(data=st.data())
    @hypothesis_settings(max_examples=10, deadline=None)
    def test_trimming_back_is_the_source(self, family, data, extended, source_tokenizers):
        source = source_tokenizers[family]
        back = select_tokens(extended[family], range(len(source))).tokenizer
        line = data.draw(st.sampled_from([line for name in LANGUAGES for line in sample(name, 40)]))
        line += data.draw(st.text(max_size=30))
        assert back(line).data == source(line).data
        state = state_of(back)
        if state["model"]["type"] == "BPE":
            assert merges_of(state) == merges_of(state_of(source))

    def test_more_than_the_target_has_is_refused(self, family, source_tokenizers, target_tokenizers):
        with pytest.raises(SettingError, match=r"has \d+ tokens to add, but 5,000 were requested"):
            extend_tokenizer(source_tokenizers[family], target_tokenizers[family], ExtendSettings(5000))


def test_families_can_not_be_mixed(source_tokenizers, target_tokenizers):
    with pytest.raises(TokenizerError, match="same family"):
        extend_tokenizer(source_tokenizers["unigram"], target_tokenizers["wordpiece"], ExtendSettings(10))


def test_at_least_one_token_is_added():
    with pytest.raises(SettingError, match="at least 1"):
        ExtendSettings(0)
