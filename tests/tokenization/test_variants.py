"""Train, trim and extend on the ways in which real tokenizers of each family are built."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer
from monoglot.tokenization.tokenizer_json import rebuild, state_of
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import TrimSettings, check_segmentation, select_tokens, trim_tokenizer
from tests.fixtures.tokenizers import sample

TEXT = sample("de", 600)
HELD_OUT = [*sample("de", 800)[600:], "a  b   c", "x\n\ny", "☃ 漢字", "\tund"]

TO_SPACES = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
FROM_SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
STRIPPED = {
    "type": "Sequence",
    "decoders": [
        TO_SPACES,
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ],
}


def llama_2(state):
    """No pre-tokenizer: a line is one word."""
    prepend = {"type": "Prepend", "prepend": "▁"}
    normalizer = {"type": "Sequence", "normalizers": [prepend, FROM_SPACES]}
    return state | {"normalizer": normalizer, "pre_tokenizer": None, "decoder": STRIPPED}


def mistral(state):
    """A pre-tokenizer that splits nothing."""
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    return state | {"normalizer": None, "pre_tokenizer": metaspace, "decoder": STRIPPED}


def gemma(state):
    """A pre-tokenizer that looks for spaces when there are none any more."""
    split = {
        "type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False,
    }  # fmt: skip
    return state | {"pre_tokenizer": split}


def llama_3(state):
    """A word that is a token is taken whole, whatever the merges."""
    return state | {"model": state["model"] | {"ignore_merges": True}}


def roberta(state):
    """A space before the first word."""
    return state | {"pre_tokenizer": state["pre_tokenizer"] | {"add_prefix_space": True}}


def with_bytes(state):
    """Unigram with byte fallback."""
    vocabulary = state["model"]["vocab"] + [[f"<0x{byte:02X}>", 0.0] for byte in range(256)]
    decoders = [{"type": "ByteFallback"}, state["decoder"]]
    return state | {
        "model": state["model"] | {"vocab": vocabulary, "byte_fallback": True},
        "decoder": {"type": "Sequence", "decoders": decoders},
    }


def uncased(state):
    """A normalizer that lower-cases and strips accents."""
    return state | {"normalizer": state["normalizer"] | {"lowercase": True}}


VARIANTS = {
    "sentencepiece-bpe": (llama_2, mistral, gemma),
    "byte-level-bpe": (llama_3, roberta),
    "unigram": (with_bytes,),
    "wordpiece": (uncased,),
}


@pytest.fixture(
    scope="module",
    params=[(family, change) for family, changes in VARIANTS.items() for change in changes],
    ids=lambda param: param[1].__name__,
)
def source(request, source_tokenizers):
    family, change = request.param
    return rebuild(source_tokenizers[family], change(state_of(source_tokenizers[family])))


@pytest.fixture(scope="module")
def trained(source):
    return train_tokenizer(source, TEXT, TokenizerSettings(1000))


def ids_of_lines(tokenizer, lines=HELD_OUT):
    # One line at a time, cut to no length: a batch would warn of lines beyond the model's maximum.
    return [
        tokenizer(line, add_special_tokens=False, truncation=False, verbose=False).input_ids for line in lines
    ]


def length(tokenizer):
    return sum(map(len, ids_of_lines(tokenizer)))


def round_trips(tokenizer):
    return [tokenizer.decode(ids) for ids in ids_of_lines(tokenizer)]


def test_trained(source, trained):
    assert len(trained) == 1000
    assert length(trained) < length(source)
    known = [text for text, back in zip(HELD_OUT, round_trips(source), strict=True) if back == text]
    assert set(known) <= set(round_trips(trained))


def test_trimmed(source):
    counts = np.bincount(np.concatenate(ids_of_lines(source, TEXT)), minlength=len(source))
    trimmed = trim_tokenizer(source, counts, TrimSettings(minimum_count=2))
    kept = set(trimmed.kept_source_ids.tolist())
    whole = [line for line, ids in zip(HELD_OUT, ids_of_lines(source), strict=True) if kept.issuperset(ids)]
    assert 0 < len(whole) < len(HELD_OUT)
    assert check_segmentation(source, trimmed.tokenizer, trimmed.kept_source_ids, whole).share == 1


def test_extended(source, trained):
    extended = extend_tokenizer(source, trained, ExtendSettings(150))
    assert length(extended) < length(source)
    assert round_trips(extended) == round_trips(source)
    back = select_tokens(extended, range(len(source)))
    assert check_segmentation(source, back.tokenizer, back.kept_source_ids, HELD_OUT).share == 1
