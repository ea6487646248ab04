"""Looking words up gives what the tokenizer gives, on every line; other tokenizers are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from monoglot.tokenization import fast_encoders as word_cache
from monoglot.tokenization.fast_encoders import word_encoder
from monoglot.tokenization.tokenizer_json import rebuild, state_of
from tests.fixtures.tokenizers import LANGUAGES, sample
from tests.tokenization.test_variants import gemma, llama_2, llama_3, mistral

LINES = [
    *(line for language in LANGUAGES for line in sample(language, 60)),
    *(
        "",
        " ",
        "  a",
        " a",
        "a  b   c ",
        "x\0y z",
        "a▁b ▁c",
        "für <eos> alle",
        "<eos>",
        "☃ 漢字 \t und",
        "a b ",
    ),
]


def made(tokenizer: Tokenizer):
    def exact(lines):
        return [row.ids for row in tokenizer.encode_batch_fast(lines, add_special_tokens=False)]

    return word_encoder(tokenizer, exact), exact


@pytest.fixture(scope="module", params=[None, gemma, llama_2, mistral], ids=lambda f: f and f.__name__)
def both(request, source_tokenizers):
    source = source_tokenizers["sentencepiece-bpe"]
    changed = rebuild(source, request.param(state_of(source))) if request.param else source
    return made(changed.backend_tokenizer)


def test_every_line_comes_out_as_before(both, monkeypatch):
    fast, exact = both
    assert fast(LINES) == exact(LINES)
    assert fast(LINES) == exact(LINES)  # now that the words are known
    assert fast([]) == []


@given(lines=st.lists(st.text(st.sampled_from("abü  ▁<>eos\0漢"), max_size=12), max_size=4))
@hypothesis_settings(max_examples=100, deadline=None)
def test_any_line_comes_out_as_before(both, lines):
    fast, exact = both
    assert fast(lines) == exact(lines)


def test_it_does_without_room_for_words(source_tokenizers, monkeypatch):
    monkeypatch.setattr(word_cache, "MOST_WORDS", 0)
    fast, exact = made(source_tokenizers["sentencepiece-bpe"].backend_tokenizer)
    assert fast(LINES) == exact(LINES)


@given(lines=st.lists(st.text(st.sampled_from("abü  ▁<>eos\0漢"), max_size=12), max_size=4))
@hypothesis_settings(max_examples=50, deadline=None)
def test_tokens_are_counted_as_they_would_be_encoded(both, lines):
    fast, exact = both
    every = LINES + lines
    counts = fast.count(
        [every[:200], every[200:], []], size=1 + max(max(row, default=0) for row in exact(every))
    )
    expected = np.bincount([id for row in exact(every) for id in row])
    np.testing.assert_array_equal(counts, expected)


def test_words_are_counted_in_bounded_memory(both, monkeypatch):
    fast, _ = both
    once = fast.count([LINES], size=20_000)
    monkeypatch.setattr(word_cache, "MOST_WORDS", 3)
    np.testing.assert_array_equal(fast.count([[line] for line in LINES], size=20_000), once)
    assert once.sum() > len(LINES)


def crossing(*tokens: str) -> Tokenizer:
    """A BPE over `▁` in which `b▁a` is a token."""
    texts = ["<unk>", "▁", "a", "b", "c", "b▁", "b▁a", *tokens]
    merges = [("b", "▁"), ("b▁", "a"), *((text[:-1], text[-1]) for text in tokens)]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(texts)}, merges, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Replace("▁", " ")
    return tokenizer


def test_tokens_across_words_are_found():
    fast, exact = made(crossing())
    lines = ["b a", "b c", "cb ac", "a b", "b b a"]
    assert fast(lines) == exact(lines)
    assert len(exact(["b a"])[0]) == 1


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "byte-level-bpe"])
def test_other_families_are_left_alone(source_tokenizers, family):
    assert made(source_tokenizers[family].backend_tokenizer)[0] is None


def test_what_looks_further_than_a_word_is_left_alone(source_tokenizers):
    source = source_tokenizers["sentencepiece-bpe"]
    ignoring = rebuild(source, llama_3(state_of(source))).backend_tokenizer
    assert made(ignoring)[0] is None
    normalizing = crossing()
    normalizing.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(" ", "▁")])
    assert made(normalizing)[0] is None
    splitting = crossing()
    splitting.pre_tokenizer = pre_tokenizers.Split("a", "isolated")
    assert made(splitting)[0] is None
