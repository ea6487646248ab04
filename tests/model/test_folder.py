"""Saved models load everywhere with the same outputs; damaged folders are refused in one sentence."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from monoglot.errors import ModelError, TokenizerError
from monoglot.model.checkpoint import Checkpoint, transplant_checkpoint
from monoglot.model.folder import load_model, save
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.model.transplant import transplant
from tests.fixtures.models import ARCHITECTURES, copying, outputs


@pytest.fixture
def bert_folder(tmp_path, source_tokenizers):
    """The folder of a tiny BERT."""
    return write(tmp_path / "source", "bert", source_tokenizers)


def write(folder, name, tokenizers, **config):
    tokenizer = tokenizers[ARCHITECTURES[name].family]
    folder.mkdir()
    save(ARCHITECTURES[name](tokenizer, **config), tokenizer, folder, folder)
    return folder


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_saved_model_loads_with_the_same_outputs(
    name, tmp_path, source_tokenizers, target_tokenizers, caplog
):
    family = ARCHITECTURES[name].family
    tokenizer, target = source_tokenizers[family], target_tokenizers[family]
    model = ARCHITECTURES[name](tokenizer)
    new = transplant(
        model, copying(np.arange(len(target)), len(tokenizer)), target, source_tokenizer=tokenizer
    )
    save(new, target, tmp_path, tmp_path)
    loaded = load_model(tmp_path)
    assert caplog.text == ""
    ids = torch.randint(8, len(target), (2, 12), generator=torch.Generator().manual_seed(0))
    assert type(loaded) is type(model)
    assert torch.equal(outputs(loaded, ids), outputs(new, ids))
    assert [vars_of(module) for module in loaded.modules()] == [vars_of(module) for module in new.modules()]
    assert load_tokenizer(tmp_path).backend_tokenizer.to_str() == target.backend_tokenizer.to_str()


def vars_of(module):
    """The sizes and pad ids that a module keeps as plain attributes."""
    return {name: value for name, value in vars(module).items() if type(value) is int}


@pytest.mark.parametrize("name", ["bert", "xlm-roberta", "llama", "t5"])
def test_auto_tokenizer_reads_the_same_tokenizer(name, tmp_path, source_tokenizers):
    text = "Über  den Wolken,\n\tmuss die Freiheit — wohl 100 % grenzenlos sein."
    for family, tokenizer in source_tokenizers.items():
        folder = tmp_path / family
        folder.mkdir()
        save(ARCHITECTURES[name](tokenizer), tokenizer, folder, folder)
        assert AutoTokenizer.from_pretrained(folder)(text).input_ids == tokenizer(text).input_ids


def test_auto_tokenizer_going_its_own_way_is_reported(tmp_path, source_tokenizers, caplog):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=1512, intermediate_size=24, **sizes))
    save(model, source_tokenizers["unigram"], tmp_path, tmp_path)
    assert "AutoTokenizer reads the new tokenizer differently" in caplog.text
    assert load_tokenizer(tmp_path)("Straße").input_ids == source_tokenizers["unigram"]("Straße").input_ids


def test_a_chat_template_stays_if_the_target_knows_its_tokens(tmp_path, bert_folder, target_tokenizers):
    template = "{% for m in messages %}[CLS]{{ m.content }}[SEP]{% endfor %}"
    (bert_folder / "chat_template.jinja").write_text(template)
    model = load_model(bert_folder)
    for family, kept in [("wordpiece", template), ("unigram", None)]:
        save(model, target_tokenizers[family], bert_folder, tmp_path / family)
        assert load_tokenizer(tmp_path / family).chat_template == kept


def test_custom_code_runs_only_if_it_is_trusted(tmp_path, bert_folder, monkeypatch):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    code = "from transformers import BertForMaskedLM\n\n\nclass OwnBert(BertForMaskedLM):\n    own = True\n"
    (bert_folder / "own_code.py").write_text(code)
    edit_config(bert_folder, architectures=["OwnBert"], auto_map={"AutoModelForMaskedLM": "own_code.OwnBert"})
    with pytest.raises(ModelError, match="own Python code"):
        load_model(bert_folder)
    model = load_model(bert_folder, trust_remote_code=True)
    assert model.own
    own = load_tokenizer(bert_folder)
    same = copying(np.arange(len(own)), len(own))
    new = transplant(model, same, own, source_tokenizer=own)
    assert type(new) is type(model)
    save(new, own, bert_folder, tmp_path / "memory")
    checkpoint = Checkpoint.open(bert_folder, trust_remote_code=True)
    transplant_checkpoint(checkpoint, same, own, tmp_path / "shards", source_tokenizer=own)
    ids = torch.arange(8, 40)[None]
    for out in ("memory", "shards"):
        assert (tmp_path / out / "own_code.py").read_text() == code
        with pytest.raises(ModelError, match="own Python code"):
            load_model(tmp_path / out)
        again = load_model(tmp_path / out, trust_remote_code=True)
        assert again.own
        assert torch.equal(outputs(again, ids), outputs(model, ids))


def test_the_stored_dtype_is_kept(tmp_path, source_tokenizers):
    tokenizer = source_tokenizers["wordpiece"]
    save(ARCHITECTURES["bert"](tokenizer).to(torch.bfloat16), tokenizer, tmp_path, tmp_path)
    assert load_model(tmp_path).dtype == torch.bfloat16


def test_a_model_stored_without_pooler_has_none(tmp_path, source_tokenizers):
    tokenizer = source_tokenizers["wordpiece"]
    model = ARCHITECTURES["bert-headless"](tokenizer)
    model.pooler = None
    save(model, tokenizer, tmp_path, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.pooler is None
    new = transplant(
        loaded, copying(np.arange(len(tokenizer)), len(tokenizer)), tokenizer, source_tokenizer=tokenizer
    )
    assert not any("pooler" in name for name in new.state_dict())


def test_missing_weights_are_refused_and_surplus_ones_reported(bert_folder, caplog):
    edit_config(bert_folder, architectures=["BertForSequenceClassification"])
    with pytest.raises(ModelError, match=r"lack \d of BertForSequenceClassification"):
        load_model(bert_folder)
    edit_config(bert_folder, architectures=["BertModel"])
    load_model(bert_folder)
    assert "stored weights, such as" in caplog.text


def edit_config(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_folder_that_is_no_model_is_refused(tmp_path, bert_folder):
    with pytest.raises(ModelError, match="no folder"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{not json")
    with pytest.raises(ModelError, match=r"config\.json can't be read"):
        load_model(tmp_path)
    (bert_folder / "model.safetensors").rename(bert_folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickle"):
        load_model(bert_folder)
    (bert_folder / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        load_model(bert_folder)
    (bert_folder / "model.safetensors.index.json").write_text('{"weight_map": ["model.safetensors"]}')
    with pytest.raises(ModelError, match=r"index\.json has no weight_map"):
        load_model(bert_folder)


def test_truncated_weights_are_refused(bert_folder):
    file = bert_folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="damaged"):
        load_model(bert_folder)


def test_unknown_and_custom_classes_are_refused(bert_folder):
    edit_config(bert_folder, architectures=["NoSuchModel"])
    with pytest.raises(ModelError, match="NoSuchModel"):
        load_model(bert_folder)
    edit_config(bert_folder, auto_map={"AutoModel": "code.NoSuchModel"})
    (bert_folder / "code.py").write_text("raise SystemExit('code was run')")
    with pytest.raises(ModelError, match="own Python code"):
        load_model(bert_folder)


def test_a_missing_slow_or_damaged_tokenizer_is_refused(bert_folder):
    file = bert_folder / "tokenizer.json"
    file.write_text(file.read_text()[:-100])
    with pytest.raises(TokenizerError, match="can't be read"):
        load_tokenizer(bert_folder)
    file.unlink()
    with pytest.raises(TokenizerError, match=r"no tokenizer\.json and .*expected a tokenizer\.json"):
        load_tokenizer(bert_folder)
    (bert_folder / "vocab.txt").write_text("[PAD]")
    with pytest.raises(TokenizerError, match="slow tokenizer"):
        load_tokenizer(bert_folder)


def test_nothing_stale_is_left_beside_the_new_tokenizer(tmp_path, bert_folder, target_tokenizers):
    for stale in ("vocab.txt", "tokenizer.model", "sentencepiece.bpe.model", "merges.txt"):
        (bert_folder / stale).write_text("old")
    out = tmp_path / "out"
    save(load_model(bert_folder), target_tokenizers["unigram"], bert_folder, out)
    assert {file.name for file in out.iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


@pytest.mark.parametrize("inner", ["", "0_Transformer"])
def test_sentence_transformers_folders_keep_their_modules(inner, tmp_path, source_tokenizers):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules as models

    tokenizer = source_tokenizers["wordpiece"]
    plain = tmp_path / "plain"
    plain.mkdir()
    save(ARCHITECTURES["bert-headless"](tokenizer), tokenizer, plain, plain)
    source = tmp_path / "source"
    transformer = models.Transformer(str(plain))
    SentenceTransformer(modules=[transformer, models.Pooling(16, "cls"), models.Normalize()]).save(
        str(source)
    )
    if inner:
        move_transformer(source, inner)
    model, own = load_model(source), load_tokenizer(source)
    order = np.arange(len(own))
    save(
        transplant(model, copying(order, len(own)), own, source_tokenizer=own), own, source, tmp_path / "out"
    )
    text = ["Der Hund läuft.", "Nein"]
    expected = SentenceTransformer(str(source)).encode(text)
    np.testing.assert_array_equal(SentenceTransformer(str(tmp_path / "out")).encode(text), expected)


def move_transformer(folder, inner):
    """Give a sentence-transformers folder the older layout, with the transformer in a folder of its own."""
    modules = json.loads((folder / "modules.json").read_text())
    paths = {module["path"] for module in modules}
    (folder / inner).mkdir()
    for file in list(folder.iterdir()):
        if file.name not in {*paths, inner, "modules.json", "config_sentence_transformers.json"}:
            shutil.move(file, folder / inner / file.name)
    modules[0]["path"] = inner
    (folder / "modules.json").write_text(json.dumps(modules))


@pytest.mark.parametrize("shard", ["../other.safetensors", "/etc/passwd", "a/b.safetensors", "model.bin", ""])
def test_an_index_names_only_files_beside_it(bert_folder, shard):
    (bert_folder.parent / "other.safetensors").write_bytes((bert_folder / "model.safetensors").read_bytes())
    index = bert_folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"bert.embeddings.word_embeddings.weight": shard}}))
    with pytest.raises(ModelError, match="expected names of safetensors files in the same folder"):
        load_model(bert_folder)


def test_a_folder_in_the_place_of_a_json_file_is_refused(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder("gpt2"), tmp_path / "gpt2")
    (folder / "generation_config.json").unlink()
    (folder / "generation_config.json").mkdir()
    with pytest.raises(ModelError, match=r"generation_config\.json is a folder"):
        Checkpoint.open(folder)


def test_bpe_dropout_is_switched_off_and_said(tmp_path, source_tokenizers, caplog):
    source_tokenizers["byte-level-bpe"].save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    state = json.loads(file.read_text())
    state["model"]["dropout"] = 0.9
    file.write_text(json.dumps(state))
    tokenizer = load_tokenizer(tmp_path)
    assert "BPE dropout (0.9)" in caplog.text
    text = "wieder einmal derselbe Text"
    assert {tuple(tokenizer(text)["input_ids"]) for _ in range(5)} == {
        tuple(source_tokenizers["byte-level-bpe"](text)["input_ids"])
    }
