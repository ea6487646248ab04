"""Excerpts of a corpus, and which character of their text belongs to which token."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engines import contextual as excerpts
from monoglot.vectors.engines.contextual import NOBODY, TokenTexts, choose_excerpts
from tests.fixtures.tokenizers import sample


@pytest.mark.parametrize("chunk_tokens", [7, 10**6])
def test_excerpts_are_parts_of_lines(written, monkeypatch, chunk_tokens):
    monkeypatch.setattr(excerpts, "CHUNK_TOKENS", chunk_tokens)
    corpus = written([[0, 1, 2, 3, 4], [], [5], [6, 7, 8]])
    spans = choose_excerpts(corpus, corpus.counts(9), longest_tokens=2, total_tokens=100, seed=1)

    assert spans.tolist() == [[0, 2], [2, 4], [4, 5], [5, 6], [6, 8], [8, 9]]


def test_rare_tokens_are_looked_for(written):
    corpus = written([[0] * 10] * 200 + [[0] * 9 + [token] for token in range(1, 11)])
    counts = corpus.counts(11)
    spans = choose_excerpts(corpus, counts, longest_tokens=10, total_tokens=120, seed=3)
    read = np.concatenate([corpus.ids[start:stop] for start, stop in spans])

    assert len(spans) <= 13
    assert len(np.unique(read)) >= 10
    assert np.array_equal(spans, choose_excerpts(corpus, counts, longest_tokens=10, total_tokens=120, seed=3))


def test_an_empty_corpus_has_no_excerpts(written):
    for lines in ([], [[], []]):
        corpus = written(lines)
        assert not len(choose_excerpts(corpus, corpus.counts(3), longest_tokens=4, total_tokens=9, seed=1))


@pytest.mark.parametrize("family", ["unigram", "sentencepiece-bpe", "byte-level-bpe"])
@pytest.mark.parametrize("language", ["de", "ja", "hi"])
def test_text_comes_back_and_every_character_has_its_token(target_tokenizers, family, language):
    tokenizer = target_tokenizers[family]
    vocabulary = Vocabulary.of(tokenizer)
    token_texts = TokenTexts.of(vocabulary)
    for line in sample(language, 20):
        ids = np.array(tokenizer(line, add_special_tokens=False).input_ids)
        text = token_texts.text(ids)
        owners = token_texts.owners(ids)
        assert text is not None
        assert len(owners) == len(text)
        spaces = np.array([character == " " for character in text], dtype=bool)
        assert not (owners[~spaces] == NOBODY).any()
        for place, id in enumerate(ids.tolist()):
            token = vocabulary.by_id[id]
            own = "".join(c for c, owner in zip(text, owners, strict=True) if owner == place)
            if not token.roles and token.form.decode("utf-8", "ignore").encode() == token.form:
                assert own.encode() == token.form


def test_text_that_begins_within_a_character_is_none(target_tokenizers):
    tokenizer = target_tokenizers["byte-level-bpe"]
    token_texts = TokenTexts.of(Vocabulary.of(tokenizer))
    ids = np.array(tokenizer.convert_tokens_to_ids(["ĥ", "a"]))

    assert token_texts.text(ids) is None
    assert token_texts.text(ids[1:]) == "a"
