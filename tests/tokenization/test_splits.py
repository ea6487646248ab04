"""How a tokenizer segments one of its own tokens, if it did not have it."""

import json
import re

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.splits import segment_own_tokens
from monoglot.tokenization.tokenizer_json import ids_of, state_of
from tests.fixtures.tokenizers import FAMILIES

MARKS = {"unigram": "▁", "sentencepiece-bpe": "▁", "byte-level-bpe": "Ġ", "wordpiece": ""}


def without(state, word):
    """The tokenizer with that token under another name, so that no text has it."""
    model = dict(state["model"])
    name = "☃" * 9
    if isinstance(model["vocab"], list):
        model["vocab"] = [[name if text == word else text, score] for text, score in model["vocab"]]
    else:
        model["vocab"] = {name if text == word else text: id for text, id in model["vocab"].items()}
    if "merges" in model:
        pairs = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in model["merges"]]
        model["merges"] = [list(pair) for pair in pairs if word not in (*pair, "".join(pair))]
    return Tokenizer.from_str(json.dumps({**state, "model": model}))


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


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_token_is_segmented_as_by_a_tokenizer_without_it(target_tokenizers, family):
    """Where the token has another name, the tokenizer itself gives the same pieces."""
    tokenizer, mark = target_tokenizers[family], MARKS[family]
    segment, state = segment_own_tokens(tokenizer), state_of(tokenizer)
    words = [text for text in ids_of(state) if len(text) > 4 and text.startswith(mark)]
    words = [word for word in words if re.fullmatch("[A-Za-z]+", word.removeprefix(mark))]
    assert len(words) > 20
    for word in words[:20]:
        text = " " * family.endswith("bpe") + word.removeprefix(mark)
        found = without(state, word).encode(text, add_special_tokens=False)
        assert segment(ids_of(state)[word]) == tuple(found.ids), (word, found.tokens)


def test_of_several_merges_the_one_counts_that_a_text_comes_to():
    """Files of the Gemma kind list every way to make a token."""
    merges = [["a", "b"], ["c", "d"], ["b", "c"], ["a", "bc"], ["ab", "c"], ["abc", "d"], ["ab", "cd"]]
    texts = ["a", "b", "c", "d", "ab", "cd", "bc", "abc", "abcd"]
    model = {"type": "BPE", "vocab": {text: id for id, text in enumerate(texts)}, "merges": merges}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps({"model": model})))
    assert segment_own_tokens(tokenizer)(texts.index("abcd")) == (texts.index("ab"), texts.index("cd"))
