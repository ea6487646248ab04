"""How a tokenizer segments one of its own tokens, if it did not have it."""

import json

import pytest
from tokenizers import Tokenizer

from monoglot.tokenization.splits import segment_own_tokens
from monoglot.tokenization.tokenizer_json import ids_of, state_of
from tests.fixtures.tokenizers import FAMILIES


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_pieces_together_are_the_token(target_tokenizers, family):
    tokenizer = target_tokenizers[family]
    state = state_of(tokenizer)
    prefix = state["model"].get("continuing_subword_prefix") or ""
    texts = {id: text for text, id in ids_of(state).items()}
    segment = segment_own_tokens(tokenizer)
    divided = {id: segment(id) for id in texts}
    assert sum(len(pieces) > 1 for pieces in divided.values()) > 100
    for id, pieces in divided.items():
        assert id not in pieces
        if pieces:
            first, *rest = (texts[piece] for piece in pieces)
            assert first + "".join(text.removeprefix(prefix) for text in rest) == texts[id]


def test_a_unigram_token_is_segmented_as_by_a_tokenizer_without_it(target_tokenizers):
    """Where the token has another name, the tokenizer itself gives the same pieces."""
    tokenizer = target_tokenizers["unigram"]
    segment, state = segment_own_tokens(tokenizer), state_of(tokenizer)
    words = [text for text in ids_of(state) if len(text) > 4 and text[0] == "▁" and text[1:].isalpha()]
    assert len(words) > 20
    for word in words[:20]:
        vocabulary = [["☃" * 9 if text == word else text, score] for text, score in state["model"]["vocab"]]
        renamed = {**state, "model": {**state["model"], "vocab": vocabulary}}
        without = Tokenizer.from_str(json.dumps(renamed))
        found = without.encode(word[1:], add_special_tokens=False).ids
        assert segment(ids_of(state)[word]) == tuple(found)
