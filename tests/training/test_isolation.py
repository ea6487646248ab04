"""A packed model gives every document what it gives it alone."""

import numpy as np
import pytest
import torch

from monoglot.training.epoch import Layout
from monoglot.training.frame import Frame
from monoglot.training.isolation import Isolation, find_inputs, tensors
from monoglot.training.packing import PackedCorpus
from monoglot.training.vocabulary import TokenKinds
from tests.fixtures.models import ARCHITECTURES

MASKED = ["bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "albert", "bert-headless"]
CAUSAL = ["gpt2", "llama", "qwen3", "mistral", "gemma3", "gpt-neox"]
EXPECTED = (
    dict.fromkeys(MASKED, Isolation.MASK)
    | dict.fromkeys(CAUSAL, Isolation.POSITIONS)
    | {"modernbert": Isolation.MASKS_BY_LAYER, "deberta-v2": Isolation.NONE, "t5": Isolation.NONE}
)
NEIGHBORHOODS = {"modernbert": {"local_attention": 12}, "gemma3": {"sliding_window": 7}}


def packed(german, tokenizer, family):
    layout = Layout(48, Frame.of(tokenizer), tokenizer.pad_token_id or 0)
    return PackedCorpus(german[family], layout, windows=6, seed=2).__getitems__(range(6))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("architecture", EXPECTED)
def test_packed_equals_unpacked(architecture, attention, german, source_tokenizers):
    make = ARCHITECTURES[architecture]
    tokenizer = source_tokenizers[make.family]
    model = make(tokenizer, **NEIGHBORHOODS.get(architecture, {}))
    if attention == "eager":
        model.set_attn_implementation("eager")
    inputs = find_inputs(model, TokenKinds.of(tokenizer).probe)
    assert inputs.isolation is EXPECTED[architecture]
    if inputs.isolation is Isolation.NONE:
        return
    windows = packed(german, tokenizer, make.family)
    with torch.no_grad():
        together = model(**inputs(**tensors(windows)))[0].numpy()
        for piece in range(len(windows.documents)):
            where = windows.pieces == piece
            alone = model(input_ids=torch.from_numpy(windows.ids[where][None]))[0][0].numpy()
            assert np.abs(together[where] - alone).max() <= 1e-5 * max(1, np.abs(alone).max())


def test_documents_influence_each_other_without_isolation(german, source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    windows = packed(german, tokenizer, "unigram")
    given = tensors(windows)
    with torch.no_grad():
        apart = model(**find_inputs(model, TokenKinds.of(tokenizer).probe)(**given))[0]
        together = model(input_ids=given["ids"])[0]
    assert (apart - together).abs().max() > 1e-3


def test_a_model_without_a_way_still_gets_no_padding(german, source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["deberta-v2"](tokenizer)
    inputs = find_inputs(model, TokenKinds.of(tokenizer).probe)
    windows = packed(german, tokenizer, "unigram")
    given = inputs(**tensors(windows))
    assert (given["attention_mask"].numpy() == (windows.pieces >= 0)).all()
    assert model(**given)[0].isfinite().all()
