"""`explain` on real runs of tiny models."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import AutoModel, AutoTokenizer

from monoglot.cli import main
from monoglot.errors import InputError, SettingError, UnknownTokenError
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.pipeline.adapt import adapt
from monoglot.pipeline.specialize import specialize
from monoglot.reporting.explain import explain
from monoglot.run.layout import LAYOUT
from monoglot.settings import AdaptSettings
from monoglot.training.schedule import TrainingSettings
from tests.fixtures.folders import GERMAN, TINY


@pytest.fixture
def run(german_run):
    """One finished run; not to be changed by a test."""
    return german_run[0]


@pytest.fixture
def mixed(run):
    """A token that was mixed, begins a word, and is letters: its spelling and its id."""
    tokenizer = AutoTokenizer.from_pretrained(run)
    mixture = Mixture.load(run / "monoglot" / "mixture" / "mixture.safetensors")
    ids = [id for id in mixture.where(Provenance.METHOD).tolist() if mixture.rows.lengths[id] > 1]
    texts = {id: tokenizer.convert_ids_to_tokens(id) for id in ids}
    return next((text, id) for id, text in texts.items() if text[0] == "▁" and text[1:].isalpha())


def test_parents_are_those_of_the_mixture_with_true_cosines(xlm_r, run, mixed):
    text, id = mixed
    (token,) = explain(run, [text]).tokens
    mixture = Mixture.load(run / "monoglot" / "mixture" / "mixture.safetensors")
    names = AutoTokenizer.from_pretrained(xlm_r).convert_ids_to_tokens
    old, new = (AutoModel.from_pretrained(f).get_input_embeddings().weight.detach() for f in (xlm_r, run))
    assert (token.token, token.id) == mixed
    assert token.provenance == "initialized by blend"
    assert token.count == int((np.load(run / "monoglot" / "tokens" / "ids.npy") == id).sum()) > 0
    assert [(p.token, p.weight) for p in token.parents] == [(names(i), w) for i, w in mixture.explain(id)]
    for parent, (source_id, _) in zip(token.parents, mixture.explain(id), strict=True):
        expected = float(torch.cosine_similarity(new[id], old[source_id], dim=0))
        assert parent.cosine == pytest.approx(expected, abs=1e-5)
    assert any(parent.auxiliary_cosine is not None for parent in token.parents)


def test_neighbors_are_the_nearest(run, mixed):
    text, id = mixed
    (token,) = explain(run, [text], neighbors=3).tokens
    new = AutoModel.from_pretrained(run).get_input_embeddings().weight.detach()
    cosines = torch.cosine_similarity(new[id], new)
    cosines[id] = -1
    best = cosines.topk(3)
    tokenizer = AutoTokenizer.from_pretrained(run)
    assert [near.token for near in token.near_new] == tokenizer.convert_ids_to_tokens(best.indices.tolist())
    assert [near.cosine for near in token.near_new] == pytest.approx(best.values.tolist(), abs=1e-5)
    assert len(token.near_old) == len(token.near_auxiliary) == 3


def test_it_takes_as_many_threads_as_it_is_told(run, mixed, monkeypatch):
    seen, topk, before = [], torch.topk, torch.get_num_threads()

    def watched(*arguments):
        seen.append(torch.get_num_threads())
        return topk(*arguments)

    monkeypatch.setattr(torch, "topk", watched)
    explain(run, [mixed[0]], threads=before + 1)
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before
    with pytest.raises(SettingError, match="--threads 0 is too small"):
        explain(run, [mixed[0]], threads=0)


def test_a_word_is_cut_by_both_tokenizers_and_its_tokens_explained(xlm_r, run):
    word = "Bundesverfassungsgericht"
    explanation = explain(run, [word, word])
    cut = explanation.words[0]
    after, before = (AutoTokenizer.from_pretrained(folder).tokenize(f"der {word}") for folder in (run, xlm_r))
    assert "".join(cut.after) == f"▁{word}" == "".join(cut.before)
    assert list(cut.after) == after[1:]
    assert list(cut.before) == before[1:]
    assert [token.token for token in explanation.tokens] == list(dict.fromkeys(cut.after))
    assert not cut.unknown


def test_a_copied_token_is_not_its_own_neighbor(run):
    tokens = explain(run, ["</s>", "der"]).tokens
    for token in tokens:
        assert token.provenance == "copied"
        assert len(token.parents) == 1
        assert token.parents[0].cosine == pytest.approx(1)
        assert token.parents[0].token not in [near.token for near in token.near_old]


def test_the_inside_of_a_word_is_told_of_too(run):
    explanation = explain(run, ["en"])
    assert len(explanation.words) == 1
    assert "en" in [token.token for token in explanation.tokens]


def test_what_the_tokenizer_does_not_know_is_said(run):
    explanation = explain(run, ["🦔"])
    assert explanation.words[0].unknown
    assert explanation.notes == ("'🦔' contains characters that the new tokenizer does not know",)


def test_an_unknown_token_is_a_key_error_with_a_plain_message(run):
    with pytest.raises(KeyError) as raised:
        explain(run, "▁Quxquxqux")
    assert isinstance(raised.value, InputError)
    assert str(raised.value).startswith("'▁Quxquxqux' is not a token of the new vocabulary")


def test_a_summary_a_word_and_a_token_of_it(german_run, mixed):
    output, summary = german_run
    text, _ = mixed
    assert explain(summary, text) == explain(output, [text])
    explanation = explain(summary, text)
    assert explanation[text] is explanation.tokens[0]
    assert explanation.to_pandas()["token"].tolist() == [text]
    with pytest.raises(UnknownTokenError, match="'▁Qux' was not explained"):
        explanation["▁Qux"]


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "no words were given"), (["▁Quxquxqux"], "'▁Quxquxqux' is not a token of the new vocabulary")],
)
def test_what_can_not_be_explained_is_one_sentence(run, capsys, words, message):
    assert main(["explain", str(run), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_in_the_terminal_and_as_json(run, mixed, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["explain", str(run), mixed[0], "[x]"]) == 0
    shown = capsys.readouterr().out
    assert f"{mixed[0]} = 0." in shown
    assert "near in old" in shown
    assert "[x]" in shown
    assert main(["explain", str(run), mixed[0], "--json"]) == 0
    (token,) = json.loads(capsys.readouterr().out)["tokens"]
    assert token["token"] == mixed[0]


def test_without_the_source_only_what_the_artifacts_tell(run, mixed, tmp_path, monkeypatch):
    monkeypatch.setattr("monoglot.reporting.finished_run.open_recorded", _gone)
    explanation = explain(run, [mixed[0], "der"])
    assert "are not available (it is gone; if it is elsewhere, say so with --source)" in explanation.notes[0]
    assert explanation.tokens[0].near_old is None
    assert explanation.tokens[0].parents[0].token.startswith("#")
    assert explanation.words[0].before is None


def _gone(_, **more):
    raise SettingError("it is gone")


def test_after_training_on_top_the_mixture_is_still_known(run, mixed, tmp_path):
    training = TrainingSettings(tokens=512, batch_tokens=512, window_tokens=64, precision="float32", checks=1)
    adapt(run, GERMAN, tmp_path / "trained", AdaptSettings(threads=1), training)
    (before,), (after,) = (explain(made, [mixed[0]]).tokens for made in (run, tmp_path / "trained"))
    known, still = ([(parent.token, parent.weight) for parent in token.parents] for token in (before, after))
    assert known
    assert still == known
    assert after.provenance == before.provenance


def test_a_model_that_was_only_trained_has_nothing_to_explain(xlm_r, tmp_path):
    training = TrainingSettings(tokens=512, batch_tokens=512, window_tokens=64, precision="float32", checks=1)
    adapt(xlm_r, GERMAN, tmp_path / "trained", AdaptSettings(threads=1), training)
    with pytest.raises(SettingError, match="has the vocabulary of the model it was trained from"):
        explain(tmp_path / "trained", ["Haus"])


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_other_families(tiny_folder, tmp_path, architecture):
    specialize(
        tiny_folder(architecture),
        GERMAN,
        tmp_path / "out",
        replace(TINY, method="subword", vocabulary_size=900),
    )
    explanation = explain(tmp_path / "out", ["für", "Straße"])
    joined = "".join(explanation.words[0].after).removeprefix("Ġ").replace("##", "")
    assert joined == "für"
    assert all(token.near_auxiliary is None for token in explanation.tokens)
    marked = next(token.token for token in explanation.tokens if token.provenance != "copied")
    assert explain(tmp_path / "out", [marked]).tokens[-1].token == marked


def test_a_source_that_only_a_file_names_is_not_downloaded(run, mixed, monkeypatch, tmp_path):
    copied = shutil.copytree(run, tmp_path / "run")
    manifest = copied / LAYOUT.home / LAYOUT.manifest
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"names": content["names"] | {"source": "some/model"}}))

    def asks(name, *, local_files_only=False, **_):
        assert local_files_only, f"{name} is asked for"
        raise LocalEntryNotFoundError(name)

    monkeypatch.setattr("monoglot.model.find.snapshot_download", asks)
    notes = explain(copied, [mixed[0]]).notes
    assert (
        "(the model 'some/model' is not on this machine; if it is elsewhere, say so with --source)"
        in notes[0]
    )
