"""Vocabularies: reading any family, looking tokens up, refusing what can't be read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizer

from monoglot.errors import TokenizerError
from monoglot.tokenization.vocabulary import Family, Role, Vocabulary, forms_of_ids, id_rows, ids_of_texts
from tests.fixtures.handmade import sentencepiece_bpe_of, unigram_of, with_added


def test_every_family_is_recognized(source_vocabularies):
    assert {name: vocabulary.family for name, vocabulary in source_vocabularies.items()} == {
        family.value: family for family in Family
    }


def test_all_tokens_are_there_in_ascending_order(source_vocabularies, source_tokenizers):
    for family, vocabulary in source_vocabularies.items():
        assert {token.text: token.id for token in vocabulary.tokens} == source_tokenizers[family].get_vocab()
        assert (np.diff(vocabulary.ids) > 0).all()
        assert vocabulary.size == vocabulary.ids[-1] + 1


def test_look_up(source_vocabularies):
    vocabulary = source_vocabularies["unigram"]
    token = vocabulary.by_text["<mask>"]
    assert vocabulary.by_id[token.id] is token
    assert vocabulary.by_role[Role.MASK] is token
    assert token in vocabulary.special


def test_ids_may_have_gaps():
    state = json.loads(sentencepiece_bpe_of("a", "b").to_str())
    state["model"]["vocab"]["b"] = 9
    vocabulary = Vocabulary.of(Tokenizer.from_str(json.dumps(state)))
    assert vocabulary.ids.tolist() == [0, 1, 9]
    assert (len(vocabulary), vocabulary.size) == (3, 10)


def test_a_plain_tokenizer_will_do(source_tokenizers, source_vocabularies):
    fast = source_tokenizers["byte-level-bpe"]
    plain = Vocabulary.of(fast.backend_tokenizer)
    assert plain == source_vocabularies["byte-level-bpe"]


def test_the_tokenizer_is_left_as_it_was(source_tokenizers):
    for tokenizer in source_tokenizers.values():
        before = tokenizer.backend_tokenizer.to_str()
        Vocabulary.of(tokenizer)
        Vocabulary.of(tokenizer, canonicalization="reference")
        assert tokenizer.backend_tokenizer.to_str() == before


def test_an_added_token_has_its_place():
    vocabulary = Vocabulary.of(with_added(unigram_of("▁a"), "Krankenwagen"))
    assert vocabulary.by_text["Krankenwagen"].id == 2


def test_an_id_given_twice_is_refused():
    tokenizer = sentencepiece_bpe_of("a", "b")
    state = json.loads(tokenizer.to_str())
    state["model"]["vocab"]["b"] = 1
    with pytest.raises(TokenizerError, match="gives id 1 to both"):
        Vocabulary.of(Tokenizer.from_str(json.dumps(state)))


def test_a_tokenizer_written_in_python_is_refused():
    class Slow(PreTrainedTokenizer):
        def get_vocab(self):
            return {}

        @property
        def vocab_size(self):
            return 0

    with pytest.raises(TokenizerError, match="Slow has no tokenizer"):
        Vocabulary.of(Slow())


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (models.WordLevel({"a": 0}, unk_token="a"), "a WordLevel model"),
        (models.BPE({"a": 0}, []), "a BPE model whose tokens have no spaces"),
    ],
)
def test_other_kinds_are_refused_by_name(model, reason):
    with pytest.raises(TokenizerError, match=reason):
        Vocabulary.of(Tokenizer(model))


def test_single_tokens_are_described_as_in_the_vocabulary(source_vocabularies, source_tokenizers):
    for family, vocabulary in source_vocabularies.items():
        tokenizer, some = source_tokenizers[family], vocabulary.tokens[::7]
        assert forms_of_ids(tokenizer, [token.id for token in some]) == {
            token.id: token.form for token in some
        }
        texts = [*(token.text for token in some), "no token has this text"]
        assert ids_of_texts(tokenizer, texts) == {token.text: token.id for token in some}
        assert id_rows(tokenizer.backend_tokenizer) == vocabulary.size


def test_rows_of_a_unigram_tokenizer_span_added_tokens_and_gaps():
    tokenizer = with_added(unigram_of("a", "b"), "<new>")
    ids = tokenizer.get_vocab()
    assert id_rows(tokenizer) == max(ids.values()) + 1
    assert {token.text: token.id for token in Vocabulary.of(tokenizer).tokens} == ids


def test_a_unigram_piece_given_twice_is_one_token():
    pieces = [("<unk>", 0.0), ("▁", -1.0), ("a", -1.0), ("a", -2.0)]
    state = json.loads(unigram_of("a").to_str())
    state["model"]["vocab"] = [list(piece) for piece in pieces]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    ids = tokenizer.get_vocab()
    assert {token.text: token.id for token in Vocabulary.of(tokenizer).tokens} == ids
