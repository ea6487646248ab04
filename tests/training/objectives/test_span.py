"""Span corruption: nothing is lost, nothing is doubled, and models can be trained with it."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError, TokenizerError
from monoglot.training.lm_heads import IGNORED
from monoglot.training.objectives.span import SpanCorruption, SpanTask, draw_spans
from monoglot.training.registry import choose_objective, get_objective
from tests.fixtures.models import ARCHITECTURES
from tests.training.objectives.test_clm import windows_of

SENTINELS, MASK, EOS = np.arange(900, 1000), np.array([4]), 1


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.floats(1, 10), st.integers(0, 99))
def test_spans_have_the_share_asked_for(length, share, span_tokens, seed):
    noise = draw_spans(length, share, span_tokens, np.random.default_rng(seed))
    assert len(noise) == length
    assert noise.sum() == min(max(round(length * share), 1), length - 1)
    assert not noise[0]


def test_spans_have_the_mean_length_asked_for():
    noise = draw_spans(10_000, 0.15, 3.0, np.random.default_rng(0))
    begins = noise[1:] & ~noise[:-1]
    assert noise.sum() / begins.sum() == pytest.approx(3.0, abs=0.01)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_what_is_read_and_what_is_written_make_the_text_again(noise):
    ids, noise = np.arange(10, 10 + len(noise)), np.array(noise)
    read, written = SpanTask(SpanCorruption(), SENTINELS, 0, EOS, 0).split(ids, noise)
    assert written[-1] == EOS
    spans, current = {}, None
    for token in written[:-1].tolist():
        if token >= 900:
            current = spans[token] = []
        else:
            current.append(token)
    whole = [t for token in read.tolist() for t in (spans.pop(token) if token >= 900 else [token])]
    assert whole == ids.tolist()
    assert not spans


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_without_sentinels_each_span_is_one_mask(noise):
    ids, noise = np.arange(10, 10 + len(noise)), np.array(noise)
    read, written = SpanTask(SpanCorruption(), MASK, 0, EOS, 0).split(ids, noise)
    assert written.tolist() == ids.tolist()
    assert read[read != 4].tolist() == ids[~noise].tolist()
    begins = noise & ~np.concatenate([[False], noise[:-1]])
    assert (read == 4).sum() == begins.sum()


def test_more_spans_than_sentinels_stay_in_the_text():
    task = SpanTask(SpanCorruption(), np.array([900, 901, 902]), 0, EOS, 0)
    read, written = task.split(np.arange(10, 20), np.arange(10) % 2 == 1)
    assert read.tolist() == [10, 900, 12, 901, 14, 15, 16, 17, 18, 19]
    assert written.tolist() == [900, 11, 901, 13, EOS]


@pytest.mark.parametrize("architecture", ["t5", "mt5", "bart", "mbart"])
def test_it_is_chosen_for_models_with_encoder_and_decoder_and_trains_them(architecture, context):
    given = context(architecture)
    given.model.config.decoder_start_token_id = given.tokenizer.pad_token_id  # as published models have it
    assert choose_objective(given.model, has_teacher=False) == "span"
    task = get_objective("span").task(given)
    assert task.describe() == {"spans_become": "mask"}
    batch = task.collate(windows_of(given))
    again = task.collate(windows_of(given))
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert (batch["labels"] == IGNORED).logical_not().any(dim=1).all()
    optimizer = torch.optim.AdamW(given.model.parameters(), lr=1e-2)
    losses = []
    for _ in range(5):
        loss = task.loss(given.model, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_sentinels_are_found_in_their_order(context):
    given = context("t5")
    given = replace(given, tokenizer=copy.deepcopy(given.tokenizer))
    given.tokenizer.add_tokens([f"<extra_id_{number}>" for number in (2, 0, 1)], special_tokens=True)
    task = get_objective("span").task(given)
    assert given.tokenizer.convert_ids_to_tokens(task.fillers) == [f"<extra_id_{n}>" for n in range(3)]


@pytest.mark.parametrize("architecture", ["bert", "gpt2"])
def test_other_models_are_refused(architecture, source_tokenizers):
    make = ARCHITECTURES[architecture]
    assert "needs a model with encoder, decoder" in get_objective("span").why_unsuitable(
        make(source_tokenizers[make.family]), has_teacher=False
    )


def test_a_tokenizer_without_stand_ins_is_refused(context):
    given = context("t5")
    given = replace(
        given, tokenizer=PreTrainedTokenizerFast(tokenizer_object=given.tokenizer.backend_tokenizer)
    )
    with pytest.raises(TokenizerError, match="neither <extra_id_0>"):
        get_objective("span").task(given)


@pytest.mark.parametrize("options", [{"share": 0}, {"share": 1.0}, {"span_tokens": 0.5}])
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(SettingError):
        get_objective("span", options)
