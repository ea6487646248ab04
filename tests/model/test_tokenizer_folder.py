"""The output's AutoTokenizer does what the source's did: names of inputs, languages, flags."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tokenizers import AddedToken
from transformers import (
    AutoTokenizer,
    BertTokenizer,
    M2M100Config,
    MBartConfig,
    MBartTokenizer,
    NllbTokenizer,
)

from monoglot.model import tokenizer_folder
from monoglot.model.folder import save
from monoglot.model.tokenizer_folder import (
    first_difference,
    load_tokenizer,
    warn_if_read_differently,
    write_small_copy,
)
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from monoglot.tokenization.tokenizer_json import state_of
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import DATA, sample

LANGUAGES = ["eng_Latn", "deu_Latn", "swh_Latn"]


@pytest.fixture(scope="module")
def bert(source_tokenizers, tmp_path_factory):
    """BERT, as its tokenizer class saves it: no word of token_type_ids in the configuration."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = source_tokenizers["wordpiece"]
    ARCHITECTURES["bert"](tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text())
    config.pop("model_input_names", None)
    file.write_text(json.dumps(config | {"tokenizer_class": "BertTokenizer"}))
    return folder


@pytest.mark.parametrize("mode", ["trim", "extend", "replace"])
def test_pairs_keep_their_segments(bert, tmp_path, mode):
    source = AutoTokenizer.from_pretrained(bert)
    assert isinstance(source, BertTokenizer)
    settings = Settings(
        mode=mode, threads=1, method="subword", add_tokens=50, vocabulary_size=None if mode == "trim" else 700
    )
    specialize(bert, DATA / "de.txt", tmp_path / "out", settings)
    found = AutoTokenizer.from_pretrained(tmp_path / "out")
    pair = found("der Hund", "die Katze")
    assert list(pair) == list(source("der Hund", "die Katze"))
    assert set(pair["token_type_ids"]) == {0, 1}


def test_names_that_the_configuration_has_stay(bert, tmp_path, source_tokenizers):
    tokenizer = load_tokenizer(bert)
    assert "token_type_ids" in tokenizer.model_input_names
    tokenizer.model_input_names = ["input_ids"]
    tokenizer.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    config = json.loads(file.read_text()) | {
        "model_input_names": ["input_ids"],
        "tokenizer_class": "BertTokenizer",
    }
    file.write_text(json.dumps(config))
    assert load_tokenizer(tmp_path).model_input_names == ["input_ids"]


def translator(kind, source_tokenizers, folder):
    """A tiny NLLB or mBART with three languages, saved by its own class."""
    family = "sentencepiece-bpe" if kind == "nllb" else "unigram"
    state = state_of(source_tokenizers[family])["model"]
    codes = LANGUAGES if kind == "nllb" else ["en_XX", "de_DE", "sw_KE"]
    codes = [AddedToken(code, special=True) for code in codes]
    if kind == "nllb":
        ordinary = {t: i for t, i in state["vocab"].items() if not t.startswith("<")}
        texts = ["<s>", "<pad>", "</s>", "<unk>", *ordinary]
        vocabulary = {text: id for id, text in enumerate(texts)}
        merges = [tuple(m.split(" ") if isinstance(m, str) else m) for m in state["merges"]]
        tokenizer = NllbTokenizer(
            vocab=vocabulary, merges=merges, extra_special_tokens=codes, src_lang="eng_Latn"
        )
        config = M2M100Config
    else:
        vocabulary = [(text, score) for text, score in state["vocab"]]
        tokenizer = MBartTokenizer(vocab=vocabulary, extra_special_tokens=codes, src_lang="en_XX")
        config = MBartConfig
    from transformers import M2M100ForConditionalGeneration, MBartForConditionalGeneration

    model_class = M2M100ForConditionalGeneration if kind == "nllb" else MBartForConditionalGeneration
    sizes = dict(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=64,
    )  # fmt: skip
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "pad")}
    model = model_class(config(vocab_size=len(tokenizer), **sizes, **ids, decoder_start_token_id=2))
    folder.mkdir()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder, [str(code) for code in codes]


@pytest.mark.parametrize("kind", ["nllb", "mbart"])
def test_the_language_of_a_text_still_stands_beside_it(kind, source_tokenizers, tmp_path):
    folder, codes = translator(kind, source_tokenizers, tmp_path / "source")
    source = AutoTokenizer.from_pretrained(folder)
    specialize(folder, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1))
    found = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert len(found) < len(source)
    for code in codes:
        source.src_lang = found.src_lang = code
        for line in sample("de", 3):
            old, new = (t.convert_ids_to_tokens(t(line[:40])["input_ids"]) for t in (source, found))
            assert code in old
            assert old == new
        source.tgt_lang = found.tgt_lang = code
        old, new = (t.convert_ids_to_tokens(t(text_target="Hund")["input_ids"]) for t in (source, found))
        assert old == new


@pytest.mark.parametrize("from_a_copy", [True, False])
def test_a_class_that_segments_otherwise_is_named_for_source_and_output(
    tmp_path, source_tokenizers, caplog, from_a_copy, monkeypatch
):
    """XLM-R's class puts its own pre-tokenizer in the place of the file's."""
    monkeypatch.setattr(tokenizer_folder, "LARGE_UNIGRAM", 0 if from_a_copy else 10_000)
    tokenizer = source_tokenizers["unigram"]
    folder = tmp_path / "source"
    folder.mkdir()
    save(ARCHITECTURES["xlm-roberta"](tokenizer), tokenizer, folder, folder)
    file = folder / "tokenizer.json"
    state = json.loads(file.read_text())
    state["pre_tokenizer"] = {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": "never",
        "split": True,
    }
    file.write_text(json.dumps(state))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(
        json.dumps(config | {"tokenizer_class": "XLMRobertaTokenizer"})
    )
    warn_if_read_differently(folder, load_tokenizer(folder))
    assert f"AutoTokenizer reads the tokenizer in {folder} differently" in caplog.text
    assert "it is read as XLMRobertaTokenizer, with which texts are segmented differently" in caplog.text


def test_differences_are_found_between_a_tokenizer_and_what_is_left_of_it(source_tokenizers):
    source = source_tokenizers["wordpiece"]
    ids = [id for line in sample("de", 200) for id in source(line)["input_ids"]]
    trimmed = trim_tokenizer(source, np.bincount(ids, minlength=len(source)), TrimSettings())
    assert first_difference(trimmed.tokenizer, trimmed.tokenizer) == ""
    assert first_difference(trimmed.tokenizer, source, lambda ids: ids) == "texts are segmented differently"


def test_a_small_copy_segments_what_it_can_spell_with_the_same_settings(
    tmp_path, source_tokenizers, monkeypatch
):
    tokenizer = source_tokenizers["unigram"]
    folder, copy = tmp_path / "whole", tmp_path / "copy"
    tokenizer.save_pretrained(folder)
    decoder = {str(id): {"content": str(token)} for id, token in tokenizer.added_tokens_decoder.items()}
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"added_tokens_decoder": decoder}))
    monkeypatch.setattr(tokenizer_folder, "PROBE_TOKENS", 200)
    write_small_copy(folder, tokenizer, copy)
    small = load_tokenizer(copy)
    assert len(small) < len(tokenizer) / 2
    assert small.special_tokens_map == tokenizer.special_tokens_map
    known = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))[:: len(tokenizer) // 200]
    text = tokenizer.convert_tokens_to_string([token for token in known if token in small.get_vocab()])
    assert small.decode(small(text)["input_ids"]) == tokenizer.decode(tokenizer(text)["input_ids"])


def test_a_folder_that_only_its_whole_tokenizer_tells_of_is_read_whole(
    tmp_path, source_tokenizers, caplog, monkeypatch
):
    """A configuration that ``AutoTokenizer`` can't read at all is named once, by the folder itself."""
    tokenizer = source_tokenizers["unigram"]
    save(ARCHITECTURES["xlm-roberta"](tokenizer), tokenizer, tmp_path, tmp_path)
    monkeypatch.setattr(tokenizer_folder, "LARGE_UNIGRAM", 0)
    read = []
    monkeypatch.setattr(tokenizer_folder, "read_by_auto", lambda folder: read.append(folder) or refuse())
    warn_if_read_differently(tmp_path, load_tokenizer(tmp_path))
    assert len(read) == 2
    assert read[1] == tmp_path
    assert "no such class" in caplog.text


def refuse():
    raise tokenizer_folder.UnreadableError("no such class")
