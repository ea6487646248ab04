"""Texts that a model is always given come out of every derived tokenizer as they do of the source's."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monoglot.errors import SettingError
from monoglot.model.chat_template import template_texts
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer, with_kept_tokens
from monoglot.tokenization.selection import RetainedText, forms_of, segmented_otherwise
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from tests.fixtures.tokenizers import FAMILIES, byte_level, sample

FAMILY_NAMES = sorted(FAMILIES)
GERMAN = sample("de", 400)
SWAHILI = sample("sw", 40)[20:]
PROMPTS = tuple(f"{' '.join(line.split()[:3])}: " for line in SWAHILI)
KEEP = RetainedText(PROMPTS)


def count(tokenizer, lines):
    ids = [id for line in lines for id in tokenizer(line, add_special_tokens=False)["input_ids"]]
    return np.bincount(ids, minlength=len(tokenizer))


def tokens(tokenizer, text):
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


def changed(source, derived, before=""):
    """The prompts that are segmented differently, alone or before a text."""
    texts = [form for text in PROMPTS for form in (*forms_of(text, source), text + before)]
    return [text for text in texts if tokens(source, text) != tokens(derived, text)]


@pytest.mark.parametrize("family", FAMILY_NAMES)
class TestEveryFamily:
    def test_trimmed_to_a_corpus_that_has_none_of_them(self, family, source_tokenizers):
        source = source_tokenizers[family]
        counts = count(source, GERMAN[:20])
        assert changed(source, trim_tokenizer(source, counts, TrimSettings()).tokenizer)
        trimmed = trim_tokenizer(source, counts, TrimSettings(), keep=KEEP)
        assert not changed(source, trimmed.tokenizer, GERMAN[0].split()[0])

    def test_trimmed_to_as_few_tokens_as_can_be(self, family, source_tokenizers):
        source = source_tokenizers[family]
        counts = count(source, GERMAN[:20])
        with pytest.raises(SettingError, match=r"leaves no room for the \d+ tokens") as refused:
            trim_tokenizer(source, counts, TrimSettings(vocabulary_size=1), keep=KEEP)
        least = int(str(refused.value).split("room for the ")[1].split()[0])
        trimmed = trim_tokenizer(source, counts, TrimSettings(vocabulary_size=least), keep=KEEP)
        assert len(trimmed.tokenizer) == least
        assert not changed(source, trimmed.tokenizer)

    def test_extended_by_tokens_of_their_language(self, family, source_tokenizers):
        source = source_tokenizers[family]
        target = train_tokenizer(source, sample("sw", 600), TokenizerSettings(700))
        assert changed(source, extend_tokenizer(source, target, ExtendSettings(50)))
        extended = extend_tokenizer(source, target, ExtendSettings(50), keep=KEEP)
        assert len(extended) == len(source) + 50
        assert not changed(source, extended)

    def test_replaced_their_tokens_are_in_the_new_vocabulary_and_its_size_stays(
        self, family, source_tokenizers
    ):
        source = source_tokenizers[family]
        trained = train_tokenizer(source, GERMAN, TokenizerSettings(600))
        ids = KEEP.token_ids(source)
        wanted = set(source.convert_ids_to_tokens(list(ids)))
        assert wanted - set(trained.get_vocab())
        kept = with_kept_tokens(trained, source, KEEP)
        assert len(kept) == 600
        assert sorted(kept.get_vocab().values()) == list(range(600))
        assert wanted <= set(kept.get_vocab())
        # And they are really used: the texts take hardly more tokens than in the source.
        before, after = (
            sum(len(tokens(tokenizer, text)) for text in PROMPTS) for tokenizer in (source, kept)
        )
        assert after <= 1.1 * before

    def test_a_token_by_its_spelling_and_a_text_beside_it(self, family, source_tokenizers):
        source = source_tokenizers[family]
        unused = [text for text in source.get_vocab() if text not in source.all_special_tokens][-1]
        keep = RetainedText.of(source, [], [unused, PROMPTS[0]])
        assert keep.tokens == (unused,)
        assert keep.texts in ((PROMPTS[0],), (unused, PROMPTS[0]))
        trimmed = trim_tokenizer(source, count(source, GERMAN[:20]), TrimSettings(), keep=keep)
        assert unused in trimmed.tokenizer.get_vocab()
        assert tokens(trimmed.tokenizer, PROMPTS[0]) == tokens(source, PROMPTS[0])


@pytest.mark.parametrize("family", [name for name in FAMILY_NAMES if name != "wordpiece"])
def test_a_word_that_is_a_token_is_a_text_too(family, source_tokenizers):
    source = source_tokenizers[family]
    word = min(text for text in source.get_vocab() if text.isascii() and text.isalpha() and len(text) > 1)
    keep = RetainedText.of(source, [], [word])
    trimmed = trim_tokenizer(source, count(source, sample("ja", 20)), TrimSettings(), keep=keep).tokenizer
    assert tokens(trimmed, word) == tokens(source, word)
    assert word in trimmed.get_vocab()


def test_texts_that_another_family_segments_otherwise(source_tokenizers):
    german = [" ".join(line.split()[:3]) for line in GERMAN[:20]]
    for name in FAMILY_NAMES:
        assert segmented_otherwise(german, source_tokenizers[name], source_tokenizers[name]) == ()
    byte_level, metaspace = source_tokenizers["byte-level-bpe"], source_tokenizers["sentencepiece-bpe"]
    otherwise = segmented_otherwise(german, byte_level, metaspace)
    assert set(otherwise) < set(german)


def test_no_room_for_them_is_said(source_tokenizers):
    source = (
        source_tokenizers["byte-level"] if "byte-level" in source_tokenizers else source_tokenizers["unigram"]
    )
    trained = train_tokenizer(source, GERMAN, TokenizerSettings(400))
    everything = RetainedText(tokens=tuple(text for text in source.get_vocab() if len(text) > 1))
    with pytest.raises(SettingError, match="no room"):
        with_kept_tokens(trained, source, everything)


def test_tools_of_another_shape_come_out_as_before():
    words = [word for line in GERMAN[:20] for word in line.split() if word.isalpha()]
    shapes = [
        {"name": "x", "arguments": {}},
        {"name": "x", "arguments": {"x": [{"x": []}], "y": [["x"], [{}]]}},
        {"name": "x", "parameters": {"type": "object", "properties": {"x": {"type": "x"}}, "required": []}},
    ]
    tools = [
        f"{json.dumps(shape).replace('x', word)}}}\n" for shape in shapes for word in words for _ in "ab"
    ]
    kept = template_texts("{{ tools | tojson }}")
    source = byte_level([*GERMAN[:200], *tools, *kept], 900)
    counts = count(source, [*words, *(" " + word for word in words)])
    changed = []
    for keep in (RetainedText(), RetainedText(kept)):
        trimmed = trim_tokenizer(source, counts, TrimSettings(), keep=keep).tokenizer
        assert len(trimmed) < len(source)
        changed.append(sum(tokens(source, text) != tokens(trimmed, text) for text in tools))
    assert changed[0] > 0
    assert changed[1] == 0
