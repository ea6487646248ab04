"""Causal language modeling: logits some at a time give the same loss and gradients."""

from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer, processors
from torch.nn.functional import cross_entropy
from transformers import (
    Cohere2Config,
    Cohere2ForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    PreTrainedTokenizerFast,
)

from monoglot.training import lm_heads as chunked
from monoglot.training.lapt import train
from monoglot.training.lm_heads import find_decoder_head
from monoglot.training.masking import TokenKinds
from monoglot.training.objectives.clm import next_tokens
from monoglot.training.packing import PADDING, PackedCorpus, PackedLayout, SpecialTokenTemplate
from monoglot.training.registry import get_objective
from monoglot.training.schedule import TrainingSettings
from tests.fixtures.models import DECODER

ARCHITECTURES = ["gpt2", "llama", "qwen3", "mistral", "gemma3", "gpt-neox"]


def windows_of(context):
    layout = PackedLayout(48, SpecialTokenTemplate.of(context.tokenizer), 0)
    return PackedCorpus(context.corpus, layout, windows=4, seed=2).__getitems__(range(4))


def alone(model, windows):
    """The mean over windows of the mean loss of its tokens, each document in a call of its own."""
    means = []
    for row in range(len(windows.ids)):
        losses = []
        for piece in sorted(set(windows.segments[row]) - {PADDING}):
            ids = torch.from_numpy(windows.ids[row][windows.segments[row] == piece])[None]
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
            losses.append(cross_entropy(logits, ids[0, 1:], reduction="none"))
        means.append(torch.cat(losses).mean())
    return torch.stack(means).mean()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_packed_and_chunked_equals_one_document_at_a_time(architecture, context, monkeypatch):
    monkeypatch.setattr(chunked, "CHUNK_LOGITS", 11 * 1500)
    given = context(architecture)
    task = get_objective("clm").task(given)
    assert task.describe() == {"documents_apart_by": "positions", "chunked_logits": True}
    windows = windows_of(given)
    results = []
    for compute in (
        lambda: task.loss(given.model, task.collate(windows)),
        lambda: alone(given.model, windows),
    ):
        given.model.zero_grad()
        loss = compute()
        loss.backward()
        results.append((loss.item(), {n: p.grad.clone() for n, p in given.model.named_parameters()}))
    (ours, gradients), (theirs, expected) = results
    assert ours == pytest.approx(theirs, abs=1e-5)
    for name, gradient in gradients.items():
        assert (gradient - expected[name]).abs().max() <= 1e-5, name


def test_no_more_logits_than_a_chunk_exist_at_once(context, monkeypatch):
    monkeypatch.setattr(chunked, "CHUNK_LOGITS", 11 * 1500)
    given = context("llama")
    task = get_objective("clm").task(given)
    rows = []
    given.model.lm_head.register_forward_hook(lambda _, __, logits: rows.append(logits.shape[:2].numel()))
    task.loss(given.model, task.collate(windows_of(given))).backward()
    assert max(rows) <= 11


@pytest.mark.parametrize(
    ("config", "model"), [(Gemma2Config, Gemma2ForCausalLM), (Cohere2Config, Cohere2ForCausalLM)]
)
def test_heads_that_change_their_logits_are_known(config, model, source_tokenizers):
    made = model(config(vocab_size=1500, **DECODER)).eval()
    with torch.no_grad():
        made.get_output_embeddings().weight.mul_(50)
    probe = TokenKinds.of(source_tokenizers["sentencepiece-bpe"]).probe
    head = find_decoder_head(made, probe)
    assert head is not None
    assert head.softcap or head.scale != 1


def test_nothing_is_predicted_across_documents():
    ids = torch.tensor([[5, 6, 7, 8, 9, 0]])
    segments = torch.tensor([[0, 0, 1, 1, 1, PADDING]])
    assert next_tokens(ids, segments).tolist() == [[6, -100, 8, 9, -100, -100]]


def probability_of_end(model, tokenizer, corpus):
    """The mean probability of the token that ends texts, behind whole documents."""
    found = []
    for document in range(20):
        ids = torch.from_numpy(corpus.ids[slice(*corpus.offsets[document : document + 2])].astype("int64"))[
            :60
        ]
        logits = model.eval()(input_ids=ids[None], use_cache=False).logits[0, -1]
        found.append(logits.softmax(dim=-1)[tokenizer.eos_token_id].item())
    return sum(found) / len(found)


def test_a_model_learns_to_stop_where_its_tokenizer_adds_no_end(context, tmp_path):
    given = context("llama")
    backend = Tokenizer.from_str(given.tokenizer.backend_tokenizer.to_str())
    backend.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
    plain = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=given.tokenizer.eos_token)
    assert plain.eos_token_id not in plain("Das Recht").input_ids
    given = replace(given, tokenizer=plain)
    with torch.no_grad():
        before = probability_of_end(given.model, plain, given.corpus)
    settings = TrainingSettings(
        tokens=40 * 256, batch_tokens=256, window_tokens=64, learning_rate=1e-2, precision="float32"
    )
    outcome = train(given, get_objective("clm"), settings, tmp_path / "c", identity={})
    assert outcome.record["documents_end_with"] == [plain.eos_token_id]
    with torch.no_grad():
        assert probability_of_end(given.model, plain, given.corpus) > 5 * before
