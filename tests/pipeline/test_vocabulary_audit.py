"""`audit` of models and of tokenizers alone."""

import json

import pytest
import torch

from monoglot import audit
from monoglot.cli import main
from monoglot.demo import model_path
from monoglot.model.source import open_source


@pytest.fixture(scope="module")
def demo():
    return audit(model_path())


def test_the_demo_model(demo):
    source = open_source(str(model_path()))
    assert demo.tokens == len(source.vocabulary.tokens)
    assert demo.named == len(source.vocabulary.special)
    assert demo.resegmented + demo.changed + demo.untrained == len(demo.faults) == len(demo.rows())
    assert [token.id for token in demo.faults] == sorted(token.id for token in demo.faults)


def test_rows_that_are_alike_or_zero_are_not_trained(xlm_r, tmp_path):
    source = open_source(str(xlm_r))
    model = source.model
    ids = [token.id for token in source.vocabulary.tokens if not token.roles][:3]
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        table[ids[0]] = 0
        table[ids[1]] = table[ids[2]]
    model.save_pretrained(tmp_path)
    source.tokenizer.save_pretrained(tmp_path)
    before, after = audit(xlm_r), audit(tmp_path)
    assert after.untrained == before.untrained + 3
    assert {token.id for token in after.faults if token.fault == "row not trained"} >= set(ids)


def test_a_tokenizer_alone(target_tokenizers, tmp_path):
    target_tokenizers["unigram"].save_pretrained(tmp_path)
    found = audit(tmp_path)
    assert found.untrained is None
    assert found.empty_rows is None
    assert found.tokens == len(target_tokenizers["unigram"])


def test_the_command(demo, capsys):
    assert main(["audit", str(model_path()), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["tokens"] == demo.tokens
    assert len(said["faults"]) == len(demo.faults)


def test_no_such_model(capsys):
    assert main(["audit", "/no/such/folder"]) == 2
    assert "/no/such/folder" in capsys.readouterr().err
