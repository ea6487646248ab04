"""Failures of other tools, run as they are: where one is fixed, its line in docs/known-failures.md goes."""

from __future__ import annotations

import ast
import copy
import math
import re
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast, Trainer, TrainingArguments

from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import sample

PAGE = Path(__file__).parents[1] / "docs" / "known-failures.md"
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")


def test_every_test_that_the_page_names_exists():
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 20
    gone = []
    for file, name in named:
        path = Path(__file__).parent / file
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            gone.append(f"{file}::{name}")
    assert not gone


def test_every_test_here_is_on_the_page():
    here = {name for name in globals() if name.startswith("test_") and "page" not in name}
    named = {
        name for file, name in NAMED.findall(PAGE.read_text(encoding="utf-8")) if file == Path(__file__).name
    }
    assert here == named


def test_resizing_keeps_the_output_bias_by_its_place(source_tokenizers):
    """The recipe of trimming guides: choose rows, resize, put the rows in."""
    model = ARCHITECTURES["bert"](source_tokenizers["wordpiece"])
    kept = torch.arange(0, len(source_tokenizers["wordpiece"]), 2)
    rows, bias = (
        model.get_input_embeddings().weight.detach()[kept].clone(),
        model.cls.predictions.bias.detach(),
    )
    model.resize_token_embeddings(len(kept))
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(rows)
    assert torch.equal(model.cls.predictions.bias, bias[: len(kept)])
    assert not torch.equal(model.cls.predictions.bias, bias[kept])


def test_another_pad_id_changes_what_roberta_says(source_tokenizers):
    model = ARCHITECTURES["roberta"](source_tokenizers["unigram"])
    config = copy.deepcopy(model.config)
    config.pad_token_id = 0
    changed = type(model)(config).eval()
    changed.load_state_dict(model.state_dict())
    ids = torch.arange(100, 112)[None]
    with torch.no_grad():
        assert not torch.allclose(model(ids).logits, changed(ids).logits, atol=1e-3)


def test_added_tokens_are_found_inside_other_words(source_tokenizers):
    source = source_tokenizers["unigram"]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(source.backend_tokenizer.to_str()), unk_token="<unk>"
    )
    tokenizer.add_tokens(["recht"])
    word = "Gerechtigkeit"
    assert "recht" in tokenizer.tokenize(word)
    assert len(tokenizer.tokenize(word)) >= len(source.tokenize(word))


def test_a_trained_unigram_forgets_its_unknown_token():
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0)], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(sample("de", 50), trainer)
    with pytest.raises(Exception, match="unk_id"):
        tokenizer.encode("漢字")


def test_a_sequence_of_post_processors_keeps_the_old_ids(source_tokenizers):
    source = source_tokenizers["byte-level-bpe"]
    backend = Tokenizer.from_str(source.backend_tokenizer.to_str())
    backend.add_special_tokens(["<begin>"])
    begin = backend.token_to_id("<begin>")
    template = processors.TemplateProcessing(single="<begin> $A", special_tokens=[("<begin>", begin)])
    backend.post_processor = processors.Sequence([processors.ByteLevel(), template])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<begin>", eos_token="<|endoftext|>"
    )
    wrong = tokenizer.train_new_from_iterator(sample("de", 200), 500)
    assert wrong("Das Recht").input_ids[0] == begin != wrong.bos_token_id
    right = train_tokenizer(tokenizer, sample("de"), TokenizerSettings(vocabulary_size=500))
    assert right("Das Recht").input_ids[0] == right.bos_token_id


def test_a_vocabulary_without_a_part_of_a_merge_does_not_load():
    merges = [("a", "b"), ("ab", "c")]
    Tokenizer(models.BPE(vocab={"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}, merges=merges))
    with pytest.raises(Exception, match="ab"):
        models.BPE(vocab={"a": 0, "b": 1, "c": 2, "abc": 3}, merges=merges)


class Failing(nn.Module):
    """Has a loss that is no number in its second step."""

    def __init__(self):
        super().__init__()
        self.weight, self.step = nn.Parameter(torch.ones(1)), 0

    def forward(self, x, labels=None):
        self.step += 1
        return {"loss": (self.weight * x).mean() * (float("nan") if self.step == 2 else 1)}


def test_the_trainer_shows_another_loss_for_one_that_is_no_number(tmp_path):
    arguments = TrainingArguments(
        tmp_path, max_steps=2, logging_steps=2, use_cpu=True, report_to="none", save_strategy="no",
        per_device_train_batch_size=1, max_grad_norm=0, disable_tqdm=True,
    )  # fmt: skip
    data = [{"x": torch.ones(1), "labels": torch.ones(1)}] * 2
    model = Failing()
    trainer = Trainer(model, arguments, train_dataset=data)
    trainer.train()
    assert all(math.isfinite(line["loss"]) for line in trainer.state.log_history if "loss" in line)
    assert not torch.isfinite(model.weight).all()


def test_the_usual_collator_hides_the_end_of_texts_where_it_pads_with_it(source_tokenizers):
    tokenizer = source_tokenizers["byte-level-bpe"]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    )
    batch = DataCollatorForLanguageModeling(tokenizer, mlm=False)(
        [{"input_ids": [*tokenizer(text).input_ids, tokenizer.eos_token_id]} for text in ("Das", "Das Recht")]
    )
    assert (batch["input_ids"] == tokenizer.eos_token_id).any()
    assert not (batch["labels"] == tokenizer.eos_token_id).any()
