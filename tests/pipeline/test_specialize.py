"""The whole walk on tiny models of every family, and what a run leaves behind."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from monoglot.errors import InputError
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.pipeline.specialize import specialize
from tests.fixtures.folders import GERMAN, TINY


def test_output_is_a_hugging_face_folder(xlm_r, german_run):
    output, summary = german_run
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(output), AutoTokenizer.from_pretrained(output)
    assert len(tokenizer) == model.config.vocab_size == 700
    batch = tokenizer(["Das Gesetz gilt für alle."], return_tensors="pt")
    assert model(**batch).logits.shape[-1] == 700
    assert tokenizer.mask_token_id < 700
    assert model.config.pad_token_id == tokenizer.pad_token_id == 1
    before = AutoModelForMaskedLM.from_pretrained(xlm_r)
    assert summary.before.parameters == before.num_parameters()
    assert summary.after.parameters == model.num_parameters()


def test_rows_are_what_the_mixture_says(xlm_r, german_run):
    output, _ = german_run
    mixture = Mixture.load(output / "monoglot" / "mixture" / "mixture.safetensors")
    old, new = AutoModelForMaskedLM.from_pretrained(xlm_r), AutoModelForMaskedLM.from_pretrained(output)
    assert torch.equal(mixture.apply(old.get_input_embeddings().weight), new.get_input_embeddings().weight)
    assert torch.equal(mixture.apply(old.lm_head.bias), new.lm_head.bias)
    assert len(mixture.where(Provenance.METHOD)) > 20
    assert not len(mixture.where(Provenance.UNUSED))


def test_summary_adds_up_and_the_new_tokenizer_fits_better(german_run):
    _, summary = german_run
    assert sum(share.tokens for share in summary.provenance.values()) == 700
    assert sum(share.corpus_share for share in summary.provenance.values()) == pytest.approx(1)
    table = summary.to_pandas().set_index("figure")
    assert table.loc["vocabulary"].tolist() == [1500, 700]
    assert table.loc["tokens_per_word", "after"] == summary.after.tokens_per_word
    before, after = summary.before.tokenizer, summary.after.tokenizer
    assert before["bytes"] == after["bytes"] > 0
    assert after["bytes_per_token"] > 0.8 * before["bytes_per_token"]
    assert json.loads(json.dumps(summary.to_dict()))["after"]["vocabulary"] == 700


def test_two_runs_with_one_thread_give_the_same_files(xlm_r, german_run, tmp_path):
    first, _ = german_run
    specialize(xlm_r, GERMAN, tmp_path / "again", TINY)
    files = {p.relative_to(first) for p in first.rglob("*") if p.is_file()}
    assert files == {
        p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file()
    }
    differing = {f for f in files if (first / f).read_bytes() != (tmp_path / "again" / f).read_bytes()}
    assert {f.name for f in differing} == {"measured.json", "report.html", "README.md"}


def test_changing_the_method_redoes_only_what_depends_on_it(xlm_r, tmp_path):
    output = tmp_path / "out"
    specialize(xlm_r, GERMAN, output, TINY)
    specialize(xlm_r, GERMAN, output, replace(TINY, method="subword"), overwrite=True)
    stages = json.loads((output / "monoglot" / "measured.json").read_text())["stages"]
    redone = {name for name, stage in stages.items() if not stage["reused"]}
    assert redone == {"mixture", "model", "scores", "quality"}


@pytest.mark.parametrize(
    ("architecture", "auto"),
    [("gpt2", AutoModelForCausalLM), ("bert", AutoModelForMaskedLM), ("gemma3", AutoModelForCausalLM)],
)
def test_other_families(tiny_folder, tmp_path, architecture, auto):
    source = tiny_folder(architecture)
    summary = specialize(source, GERMAN, tmp_path / "out", replace(TINY, vocabulary_size=900))
    model, tokenizer = auto.from_pretrained(tmp_path / "out"), AutoTokenizer.from_pretrained(tmp_path / "out")
    assert len(tokenizer) == summary.after.vocabulary == 900
    text = "Das Bundesverfassungsgericht entscheidet."
    batch = tokenizer([text], return_tensors="pt")
    assert model(**batch).logits.isfinite().all()
    assert tokenizer.decode(batch["input_ids"][0], skip_special_tokens=True).strip() == text


def test_a_tokenizer_of_the_user_is_taken(xlm_r, target_tokenizers, tmp_path):
    target_tokenizers["wordpiece"].save_pretrained(tmp_path / "mine")
    settings = replace(TINY, target_tokenizer=str(tmp_path / "mine"), method="subword")
    summary = specialize(xlm_r, GERMAN, tmp_path / "out", settings)
    assert summary.after.vocabulary == len(AutoTokenizer.from_pretrained(tmp_path / "out")) == 1000


def test_nothing_is_written_when_the_input_is_bad(xlm_r, tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(InputError):
        specialize(xlm_r, tmp_path / "empty.txt", tmp_path / "out", TINY)
    assert {p.name for p in tmp_path.iterdir()} <= {"empty.txt", "out.partial.lock"}


@pytest.mark.parametrize("architecture", ["xlm-roberta", "gemma3", "gpt2", "bert"])
def test_a_trimmed_model_does_what_the_original_does(tiny_folder, tmp_path, architecture):
    summary = specialize(
        tiny_folder(architecture), GERMAN, tmp_path / "out", replace(TINY, mode="trim", vocabulary_size=None)
    )
    before, after = summary.before.vocabulary, summary.after.vocabulary
    assert after < 0.9 * before
    assert set(summary.provenance) == {"copied"}
    assert summary.proof["share"] > 0.95
    assert summary.proof["rows"] == after
    assert summary.proof["compared"]["texts"] > 4
    assert summary.proof["largest_difference"] <= 1e-6
    assert len(AutoTokenizer.from_pretrained(tmp_path / "out")) == after


def test_an_extended_model_keeps_its_rows(tiny_folder, tmp_path):
    source = tiny_folder("gemma3")
    settings = replace(TINY, mode="extend", vocabulary_size=900, add_tokens=100)
    summary = specialize(source, GERMAN, tmp_path / "out", settings)
    assert (summary.before.vocabulary, summary.after.vocabulary) == (1500, 1600)
    old, new = (
        AutoModelForCausalLM.from_pretrained(source),
        AutoModelForCausalLM.from_pretrained(tmp_path / "out"),
    )
    assert torch.equal(new.get_input_embeddings().weight[:1500], old.get_input_embeddings().weight)
    assert summary.provenance["method"].tokens > 30
    before, after = summary.before.tokenizer, summary.after.tokenizer
    assert after["tokens"] < before["tokens"]
    ids = AutoTokenizer.from_pretrained(source)("Das Recht 日本")["input_ids"]
    tokenizers = (AutoTokenizer.from_pretrained(folder) for folder in (source, tmp_path / "out"))
    assert len({tokenizer.decode(ids) for tokenizer in tokenizers}) == 1


@pytest.mark.parametrize("architecture", ["xlm-roberta", "gemma3", "gpt2", "bert"])
def test_the_identical_tokenizer_gives_the_identical_model(tiny_folder, tmp_path, architecture):
    source = tiny_folder(architecture)
    settings = replace(TINY, target_tokenizer=str(source), method="subword")
    summary = specialize(source, GERMAN, tmp_path / "out", settings)
    assert set(summary.provenance) == {"copied"}
    old, new = (load_file(folder / "model.safetensors") for folder in (source, tmp_path / "out"))
    assert old.keys() == new.keys()
    assert all(torch.equal(old[name], tensor) for name, tensor in new.items())
    configs = (json.loads((folder / "config.json").read_text()) for folder in (source, tmp_path / "out"))
    assert next(configs) == next(configs)
    texts = GERMAN.read_text().splitlines()[:50]
    tokenizers = (AutoTokenizer.from_pretrained(folder) for folder in (source, tmp_path / "out"))
    assert next(tokenizers)(texts).data == next(tokenizers)(texts).data
