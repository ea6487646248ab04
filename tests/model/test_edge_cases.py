"""Every case in which today's tools break a model in silence: monoglot is right about it or refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import (
    Gemma3nForCausalLM,
    Gemma3nTextConfig,
    M2M100Config,
    M2M100ForConditionalGeneration,
    MPNetConfig,
    MPNetForMaskedLM,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTModel,
)

from monoglot.errors import ModelError
from monoglot.model.folder import load_model, save
from monoglot.model.tables import TableKind, find_tables
from monoglot.model.transplant import transplant
from tests.fixtures.models import ARCHITECTURES, BART, DECODER, ENCODER, copying, identity, outputs, permuted


@pytest.fixture
def unigram(source_tokenizers):
    return source_tokenizers["unigram"]


@pytest.fixture
def byte_level(source_tokenizers):
    return source_tokenizers["byte-level-bpe"]


def swapped(tokenizer, first, second):
    """The tokenizer with two ids exchanged, and the order that does it."""
    order = np.arange(len(tokenizer))
    order[[first, second]] = order[[second, first]]
    return permuted(tokenizer, order), order


def graft(model, order, target, source, **options):
    return transplant(model, copying(order, len(source)), target, source_tokenizer=source, **options)


@pytest.mark.parametrize(
    ("name", "bias"),
    [
        ("bert", "cls.predictions.decoder.bias"),
        ("xlm-roberta", "lm_head.bias"),
        ("modernbert", "decoder.bias"),
        ("distilbert", "vocab_projector.bias"),
        ("mbart", "final_logits_bias"),
    ],
)
def test_the_output_bias_moves_with_its_token(name, bias, source_tokenizers):
    tokenizer = source_tokenizers[ARCHITECTURES[name].family]
    target, order = swapped(tokenizer, 20, 700)
    model = ARCHITECTURES[name](tokenizer)
    old, new = (
        model.state_dict()[bias].ravel(),
        graft(model, order, target, tokenizer).state_dict()[bias].ravel(),
    )
    assert (new[700], new[20]) == (old[20], old[700])
    assert new[21] == old[21]
    assert old[20] != old[700]


@pytest.mark.parametrize("name", ["roberta", "xlm-roberta", "camembert"])
@pytest.mark.parametrize("new_pad", [0, 1, 2, 60])
def test_positions_follow_the_pad_id(name, new_pad, unigram, tmp_path):
    target, order = swapped(unigram, unigram.pad_token_id, new_pad)
    model = ARCHITECTURES[name](unigram)
    new = graft(model, order, target, unigram)
    longest = torch.randint(100, len(unigram), (2, model.config.max_position_embeddings - 2))
    longest[1, 50:] = unigram.pad_token_id
    new_ids = torch.from_numpy(np.argsort(order))[longest]
    attended = longest != unigram.pad_token_id
    with torch.no_grad():
        expected = model(longest, attended).logits[..., torch.from_numpy(order)][attended]
        torch.testing.assert_close(new(new_ids, attended).logits[attended], expected, rtol=0, atol=1e-5)
        save(new, target, tmp_path, tmp_path)
        assert torch.equal(load_model(tmp_path)(new_ids, attended).logits, new(new_ids, attended).logits)
    assert new.roberta.embeddings.padding_idx == new_pad == new.config.pad_token_id


def test_a_pad_id_beyond_all_positions_is_refused(unigram):
    target, order = swapped(unigram, unigram.pad_token_id, 1400)
    with pytest.raises(
        ModelError, match=r"position_embeddings.*can't be moved to the id 1400: give the pad token the id 1"
    ):
        graft(ARCHITECTURES["xlm-roberta"](unigram), order, target, unigram)


@pytest.mark.parametrize(
    "model",
    [
        lambda size: MPNetForMaskedLM(MPNetConfig(vocab_size=size, **ENCODER)),
        lambda size: M2M100ForConditionalGeneration(M2M100Config(vocab_size=size, **BART)),
    ],
    ids=["mpnet", "m2m100"],
)
def test_positions_bound_to_a_fixed_pad_id_keep_it_or_are_refused(model, unigram):
    model = model(len(unigram)).eval()
    target, order = swapped(unigram, 700, 20)
    graft(model, order, target, unigram)
    target, order = swapped(unigram, unigram.pad_token_id, 2)
    with pytest.raises(ModelError, match="give the pad token the id 1"):
        graft(model, order, target, unigram)


def test_a_target_without_pad_token(unigram, byte_level):
    mixture = copying(np.arange(len(byte_level)), len(unigram))
    model = ARCHITECTURES["xlm-roberta"](unigram)
    with pytest.raises(ModelError, match="pad token"):
        transplant(model, mixture, byte_level, source_tokenizer=unigram)
    new = transplant(ARCHITECTURES["albert"](unigram), mixture, byte_level, source_tokenizer=unigram)
    assert new.config.pad_token_id is None
    assert new.albert.embeddings.word_embeddings.padding_idx is None


def test_ties_are_what_memory_says_not_what_the_configuration_says(unigram, tmp_path):
    tied_by_hand = ARCHITECTURES["llama"](unigram, tie_word_embeddings=False)
    tied_by_hand.lm_head.weight = tied_by_hand.model.embed_tokens.weight
    new = graft(tied_by_hand, np.arange(len(unigram)), unigram, unigram)
    assert new.lm_head.weight is new.model.embed_tokens.weight
    shared_storage = ARCHITECTURES["llama"](unigram, tie_word_embeddings=False)
    shared_storage.lm_head.weight.data = shared_storage.model.embed_tokens.weight.data
    new = graft(shared_storage, np.arange(len(unigram)), unigram, unigram)
    assert new.lm_head.weight.data_ptr() == new.model.embed_tokens.weight.data_ptr()
    assert [table.kind for table in find_tables(new).tables] == [TableKind.INPUT]
    untied_t5 = ARCHITECTURES["t5"](unigram)
    untied_t5.lm_head.weight = torch.nn.Parameter(torch.randn_like(untied_t5.lm_head.weight))
    save(untied_t5, unigram, tmp_path, tmp_path)
    loaded = load_model(tmp_path)
    new = graft(loaded, np.arange(len(unigram)), unigram, unigram)
    assert [table.kind for table in find_tables(new).tables] == [TableKind.INPUT, TableKind.OUTPUT]
    assert torch.equal(new.lm_head.weight, untied_t5.lm_head.weight)


def test_frozen_parameters_and_train_mode_stay(unigram):
    model = ARCHITECTURES["llama"](unigram).train()
    model.model.embed_tokens.weight.requires_grad_(False)
    new = graft(model, np.arange(len(unigram)), unigram, unigram)
    assert new.training
    assert not new.model.embed_tokens.weight.requires_grad
    assert new.lm_head.weight.requires_grad


def test_rows_beyond_the_tokenizer_are_dropped(unigram):
    model = ARCHITECTURES["xlm-roberta"](unigram, vocab_size=len(unigram) + 36)
    new = graft(model, np.arange(len(unigram)), unigram, unigram)
    ids = torch.arange(8, 40)[None]
    assert new.config.vocab_size == len(unigram)
    torch.testing.assert_close(outputs(new, ids), outputs(model, ids)[..., : len(unigram)], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["bert", "llama", "bart"])
def test_rows_can_be_padded_to_a_multiple(name, source_tokenizers):
    tokenizer = source_tokenizers[ARCHITECTURES[name].family]
    model = ARCHITECTURES[name](tokenizer)
    new = graft(model, np.arange(len(tokenizer)), tokenizer, tokenizer, pad_to_multiple_of=64)
    rows = -(-len(tokenizer) // 64) * 64
    assert new.config.vocab_size == find_tables(new).rows == rows > len(tokenizer)
    mean = model.get_input_embeddings().weight.mean(dim=0)
    torch.testing.assert_close(new.get_input_embeddings().weight[-1], mean)
    assert outputs(new, torch.arange(8, 40)[None]).shape[-1] == rows


def test_an_added_token_beyond_the_rows_is_harmless_until_it_is_used(source_tokenizers):
    tokenizer = source_tokenizers["sentencepiece-bpe"]
    model = ARCHITECTURES["gemma3"](tokenizer)
    rows = len(tokenizer)
    tokenizer = permuted(tokenizer, np.arange(rows))
    tokenizer.add_special_tokens({"extra_special_tokens": ["<image_soft_token>"]})
    transplant(model, copying(np.arange(rows + 1) % rows, rows + 1), tokenizer, source_tokenizer=tokenizer)
    with pytest.raises(ModelError, match=f"id {rows} but the embeddings have {rows} rows"):
        transplant(model, identity(rows + 1), tokenizer, source_tokenizer=tokenizer)


def test_a_tokenizer_of_another_model_is_refused(unigram, target_tokenizers):
    target = target_tokenizers["unigram"]
    with pytest.raises(ModelError, match="give the tokenizer that belongs to the model"):
        transplant(
            ARCHITECTURES["xlm-roberta"](target), identity(len(target)), target, source_tokenizer=unigram
        )


def test_a_mixture_of_another_tokenizer_is_refused(unigram):
    with pytest.raises(ModelError, match="make the mixture for this tokenizer"):
        transplant(ARCHITECTURES["xlm-roberta"](unigram), identity(900), unigram, source_tokenizer=unigram)


@pytest.mark.parametrize("damage", [float("nan"), float("inf")])
@pytest.mark.parametrize("table", ["embeddings.word_embeddings.weight", "lm_head.bias"])
def test_numbers_that_are_none_are_refused(damage, table, unigram):
    model = ARCHITECTURES["xlm-roberta"](unigram)
    name = next(name for name in model.state_dict() if name.endswith(table))
    model.state_dict()[name][77] = damage
    model.state_dict()[name][99] = damage
    with pytest.raises(ModelError, match=rf"Row 77 of .*{table.rpartition('.')[2]} holds NaN or infinity"):
        graft(model, np.arange(len(unigram)), unigram, unigram)


def test_a_second_vocabulary_is_refused_by_name():
    config = Gemma3nTextConfig(
        vocab_size=64,
        vocab_size_per_layer_input=64,
        hidden_size_per_layer_input=4,
        laurel_rank=2,
        num_kv_shared_layers=0,
        activation_sparsity_pattern=None,
        **DECODER,
    )
    with pytest.raises(ModelError, match=r"embed_tokens_per_layer\.weight .* vocab_size_per_layer_input"):
        find_tables(Gemma3nForCausalLM(config))


def test_a_parameter_of_the_vocabulary_size_that_follows_no_field_is_refused(unigram):
    model = ARCHITECTURES["bert"](unigram)
    model.register_parameter("token_scale", torch.nn.Parameter(torch.ones(len(unigram), 3)))
    with pytest.raises(ModelError, match="token_scale of BertForMaskedLM has 1500 rows"):
        find_tables(model)


def test_sizes_equal_by_chance_are_not_mistaken_for_the_vocabulary(unigram):
    size = len(unigram)
    model = ARCHITECTURES["bert"](unigram, intermediate_size=size)
    tables = find_tables(model)
    assert not any("dense" in name for name in tables.axes)
    new = graft(model, np.arange(size - 1), one_token_less(unigram), unigram)
    assert new.bert.encoder.layer[0].intermediate.dense.weight.shape[0] == size
    assert find_tables(new).rows == size - 1


def one_token_less(tokenizer):
    """A tokenizer with one token less."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state["model"]["vocab"].pop()
    backend = Tokenizer.from_str(json.dumps(state))
    return PreTrainedTokenizerFast(tokenizer_object=backend, **tokenizer.special_tokens_map)


def test_quantized_tables_are_refused(unigram):
    model = ARCHITECTURES["llama"](unigram)
    frozen = torch.nn.Parameter(model.lm_head.weight.to(torch.int8), requires_grad=False)
    model.lm_head.weight = frozen
    with pytest.raises(ModelError, match=r"lm_head\.weight .* torch\.int8"):
        find_tables(model)


def test_a_vision_model_has_no_vocabulary():
    sizes = {name: value for name, value in ENCODER.items() if name != "max_position_embeddings"}
    with pytest.raises(ModelError, match="no token embeddings"):
        find_tables(ViTModel(ViTConfig(image_size=16, patch_size=8, **sizes)))
