"""Masked language modeling: logits at masked places only give the same loss and gradients."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from monoglot.errors import SettingError, TokenizerError
from monoglot.training.lm_heads import GatheredHead, logits_of
from monoglot.training.objective import Batch
from monoglot.training.packing import PackedCorpus, PackedLayout, SpecialTokenTemplate
from monoglot.training.registry import OBJECTIVES, check_objective, choose_objective, get_objective

ARCHITECTURES = [
    "bert", "roberta", "xlm-roberta", "distilbert", "modernbert", "electra", "deberta-v2", "albert",
    "bert-pretraining",
]  # fmt: skip


def batch_of(context, task) -> Batch:
    layout = PackedLayout(48, SpecialTokenTemplate.of(context.tokenizer), context.tokenizer.pad_token_id)
    return task.collate(PackedCorpus(context.corpus, layout, windows=4, seed=2).__getitems__(range(4)))


def full_loss(model, task, batch):
    """The loss as everybody computes it: all logits, and labels that are -100 but for the masked tokens."""
    labels = torch.full_like(batch["ids"], -100).scatter_(1, batch["chosen"], batch["targets"])
    logits = logits_of(model(**task.inputs(batch["ids"], batch["segments"], batch["positions"])))
    return cross_entropy(logits.flatten(0, 1), labels.flatten())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_loss_and_gradients_are_those_of_full_logits(architecture, context):
    given = context(architecture)
    task = get_objective("mlm").task(given)
    assert task.describe()["masked_logits_only"]
    batch = batch_of(given, task)
    losses, gradients = [], []
    for compute in (lambda: task.loss(given.model, batch), lambda: full_loss(given.model, task, batch)):
        given.model.zero_grad()
        loss = compute()
        loss.backward()
        losses.append(loss.item())
        gradients.append({n: p.grad.clone() for n, p in given.model.named_parameters() if p.grad is not None})
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert (gradient - gradients[1][name]).abs().max() <= 1e-5, name


def test_an_unknown_head_falls_back_to_all_logits(context):
    given = context("bert")
    task = get_objective("mlm").task(given)
    batch = batch_of(given, task)
    expected = task.loss(given.model, batch)
    task.head = GatheredHead(None)
    assert task.loss(given.model, batch).item() == pytest.approx(expected.item(), abs=1e-5)
    assert task.describe()["masked_logits_only"] is False


def test_the_head_computes_masked_places_only(context):
    given = context("xlm-roberta")
    task = get_objective("mlm", {"share": 0.25}).task(given)
    seen = []
    given.model.lm_head.decoder.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    task.loss(given.model, batch_of(given, task))
    assert [shape[:2] for shape in seen] == [(4, 12)]


def test_objectives_know_whom_they_fit(context):
    assert {"mlm", "clm"} <= set(OBJECTIVES)
    assert choose_objective(context("xlm-roberta").model, has_teacher=False) == "mlm"
    assert choose_objective(context("gemma3").model, has_teacher=False) == "clm"
    for name, architecture in (("mlm", "gpt2"), ("clm", "bert"), ("mlm", "xlm-roberta-token-classification")):
        with pytest.raises(SettingError, match=f"objective '{name}' needs"):
            check_objective(name, get_objective(name), context(architecture).model, has_teacher=False)
    with pytest.raises(SettingError, match="no objective fits BertForSequenceClassification"):
        choose_objective(context("bert-sequence-classification").model, has_teacher=False)
    with pytest.raises(SettingError, match="did you mean 'mlm'"):
        get_objective("mlmm")


def test_bad_settings_are_refused(context, source_tokenizers):
    with pytest.raises(SettingError, match="share"):
        get_objective("mlm", {"share": 1.5})
    given = replace(context("bert"), tokenizer=source_tokenizers["byte-level-bpe"])
    with pytest.raises(TokenizerError, match="mask token"):
        get_objective("mlm").task(given)
