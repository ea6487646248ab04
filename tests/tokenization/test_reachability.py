"""Tokens that no text becomes are found in every family; a graft adds none."""

import json

import pytest

from monoglot.tokenization.encoding import count_tokens
from monoglot.tokenization.graft import GraftSettings, graft_tokens
from monoglot.tokenization.reachability import UNREACHED, Reach, reachability
from monoglot.tokenization.tokenizer_json import ids_of, rebuild, state_of, with_tokens
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.tokenization.word_counts import count_words
from tests.fixtures.tokenizers import FAMILIES, sample

TEXT = sample("de", 1500)
FAMILY_NAMES = sorted(FAMILIES)


def reach_of(tokenizer):
    return reachability(tokenizer, Vocabulary.of(tokenizer))


def unreached(tokenizer):
    found = reach_of(tokenizer)
    return [token for reach in UNREACHED for token in found.of(reach)]


def with_token(tokenizer, text, score=-1e4):
    """A tokenizer with one token more, which has the worst score (Unigram) and no merge (BPE)."""
    state = state_of(tokenizer)
    ids = ids_of(state)
    ids = ids | {text: max(ids.values()) + 1}
    scores = None
    if state["model"]["type"] == "Unigram":
        scores = dict(map(tuple, state["model"]["vocab"])) | {text: score}
    return rebuild(tokenizer, with_tokens(json.loads(json.dumps(state)), ids, scores=scores))


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_token_that_a_text_becomes_is_reached(source_tokenizers, family):
    tokenizer = source_tokenizers[family]
    found = reach_of(tokenizer)
    assert sum(len(found.of(reach)) for reach in Reach) == len(found.tokens)
    used = {id for line in TEXT for id in tokenizer(line, add_special_tokens=False)["input_ids"]}
    assert not used.intersection(token.id for token in unreached(tokenizer))


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_graft_adds_no_token_out_of_reach(source_tokenizers, family):
    tokenizer = source_tokenizers[family]
    counts = count_tokens(tokenizer, TEXT, Vocabulary.of(tokenizer).size)
    trimmed = trim_tokenizer(tokenizer, counts, TrimSettings()).tokenizer
    grafted = graft_tokens(trimmed, count_words(TEXT), GraftSettings(new_tokens=150)).tokenizer
    before = {token.text for token in unreached(trimmed)}
    assert {token.text for token in unreached(grafted)} <= before
    assert len(Vocabulary.of(grafted)) == len(Vocabulary.of(trimmed)) + 150


@pytest.mark.parametrize("family", [name for name in FAMILY_NAMES if "wordpiece" not in name])
def test_a_token_without_merges_or_with_a_bad_score_is_segmented_otherwise(source_tokenizers, family):
    tokenizer = with_token(source_tokenizers[family], "enenen")
    (token,) = (token for token in reach_of(tokenizer).of(Reach.RESEGMENTED) if token.text == "enenen")
    assert token.id not in tokenizer("enenen", add_special_tokens=False)["input_ids"]


def test_a_token_that_is_split_or_normalized_away(source_tokenizers):
    tokenizer = with_token(source_tokenizers["wordpiece"], "a.b")
    assert "a.b" in [token.text for token in reach_of(tokenizer).of(Reach.CHANGED)]


def test_a_continuation_is_reached_behind_the_beginning_of_a_word(source_tokenizers):
    tokenizer = with_token(source_tokenizers["wordpiece"], "##ungs")
    assert "##ungs" not in [token.text for token in unreached(tokenizer)]
