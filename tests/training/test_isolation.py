"""A packed model gives every document what it gives it alone."""

import numpy as np
import pytest
import torch

from monoglot.errors import SettingError
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.training.isolation import Isolation, find_inputs, tensors
from monoglot.training.masking import TokenKinds
from monoglot.training.packing import PackedCorpus, PackedLayout
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
    layout = PackedLayout(48, SpecialTokenTemplate.of(tokenizer), tokenizer.pad_token_id or 0)
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
            where = windows.segments == piece
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
    assert (given["attention_mask"].numpy() == (windows.segments >= 0)).all()
    assert model(**given)[0].isfinite().all()


FLASH = {
    "bert": "lengths",
    "xlm-roberta": "lengths",
    "llama": "lengths",
    "qwen3": "lengths",
    "gpt-neox": "lengths",
}


@pytest.mark.parametrize("architecture", FLASH)
def test_flash_attention_is_tried_in_half_precision_with_inputs_of_its_own(
    architecture, flash, german, source_tokenizers
):
    make = ARCHITECTURES[architecture]
    tokenizer = source_tokenizers[make.family]
    model = make(tokenizer)
    plain = find_inputs(model, TokenKinds.of(tokenizer).probe)
    windows = packed(german, tokenizer, make.family)
    given = tensors(windows)
    with torch.no_grad():
        wanted = model(**plain(**given))[0]
        model.config._attn_implementation = flash
        inputs = find_inputs(model, TokenKinds.of(tokenizer).probe, bf16=True)
        assert inputs.isolation.value == FLASH[architecture]
        with torch.autocast("cpu", torch.bfloat16):
            found = inputs.by_window(model(**inputs(**given))[0], given["ids"]).float()
            mixed = model(input_ids=given["ids"])[0].float()
    filled = given["segments"] >= 0
    error, influence = ((x - wanted)[filled].abs().max() / wanted[filled].abs().max() for x in (found, mixed))
    assert error < 0.03
    assert influence > 4 * error


def test_attention_that_runs_in_half_precision_only_is_refused_in_float32(flash, source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    model.config._attn_implementation = flash
    with pytest.raises(SettingError, match=r"only support fp16 and bf16.*choose .*sdpa.*or --precision bf16"):
        find_inputs(model, TokenKinds.of(tokenizer).probe)
    assert not model.training


def test_attention_that_leaves_no_way_is_an_error(flash, source_tokenizers):
    tokenizer = source_tokenizers["byte-level-bpe"]
    model = ARCHITECTURES["gpt2"](tokenizer)

    class Deaf(type(model)):
        """Takes no lengths of documents."""

        def forward(self, input_ids, position_ids=None, attention_mask=None, use_cache=None):
            return super().forward(input_ids, position_ids=position_ids, attention_mask=attention_mask)

    model.__class__ = Deaf
    model.config._attn_implementation = flash
    with pytest.raises(
        SettingError, match=r"keeps the documents .* apart in no way.*--attention sdpa or eager"
    ):
        find_inputs(model, TokenKinds.of(tokenizer).probe, bf16=True)


def test_documents_that_see_each_other_are_told(source_tokenizers, caplog):
    tokenizer = source_tokenizers["unigram"]
    inputs = find_inputs(ARCHITECTURES["deberta-v2"](tokenizer), TokenKinds.of(tokenizer).probe)
    assert "documents in one window will attend to each other" in inputs.warning
    assert inputs.warning in caplog.text


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("full"), MemoryError("full")])
def test_a_lack_of_memory_is_not_taken_for_an_answer(error, source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)

    class Full(type(model)):
        """Runs out of memory when documents have a mask."""

        def forward(self, input_ids, attention_mask=None, position_ids=None):
            if attention_mask is not None:
                raise error
            return super().forward(input_ids, position_ids=position_ids)

    model.__class__ = Full
    with pytest.raises(type(error)):
        find_inputs(model, TokenKinds.of(tokenizer).probe)
