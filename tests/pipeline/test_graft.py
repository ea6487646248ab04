"""Mode graft as a whole: one run, kept tokens as they were, new ones initialized, both recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from monoglot.cli import main
from monoglot.errors import CorpusError, SettingError
from monoglot.pipeline.plan import plan
from monoglot.pipeline.specialize import specialize
from monoglot.reporting.explain import explain
from monoglot.reporting.finished_run import FinishedRun
from monoglot.run import read_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import Settings
from monoglot.tokenization.kept_reasons import Reason
from monoglot.tokenization.scripts import script_of
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.tokenizers import sample

NEW = 60


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    file = tmp_path_factory.mktemp("text") / "de.txt"
    file.write_text("\n".join(sample("de", 1500)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def made(xlm_r, text, tmp_path_factory):
    """The output of a graft, and what it said at the end."""
    output = tmp_path_factory.mktemp("out") / "graft"
    settings = Settings(mode="graft", new_tokens=NEW, threads=1)
    return output, specialize(str(xlm_r), [str(text)], output, settings)


def test_kept_rows_are_the_sources_and_new_rows_are_mixtures_of_them(made, xlm_r):
    output, _ = made
    kept = np.load(output / "monoglot" / "tokenizer" / "source_ids.npy")
    old = AutoModelForMaskedLM.from_pretrained(xlm_r).get_input_embeddings().weight
    new = AutoModelForMaskedLM.from_pretrained(output).get_input_embeddings().weight
    assert (new[: len(kept)] == old[kept]).all()
    added = new[len(kept) : len(kept) + NEW]
    assert len(AutoTokenizer.from_pretrained(output)) == len(kept) + NEW
    assert (added.norm(dim=1) > 0).all()
    assert (added.norm(dim=1) <= old.norm(dim=1).max() * 1.0001).all()


def test_rows_of_a_model_without_a_head_are_predicted(tiny_folder, text, tmp_path):
    """By default; `explain` says what was added to a mixture."""
    source, output = tiny_folder("xlm-roberta-token-classification"), tmp_path / "graft"
    specialize(str(source), [str(text)], output, Settings(mode="graft", new_tokens=NEW, threads=1))
    run = FinishedRun(output)
    assert run.settings["method"] == "regression"
    assert run.mixture.correction is not None
    corrected = run.mixture.correction.ids
    assert NEW / 2 < len(corrected) <= NEW
    old, new = (AutoModel.from_pretrained(f).get_input_embeddings().weight.detach() for f in (source, output))
    mixed = replace(run.mixture, correction=None).apply(old)[: len(new)]
    changed = (mixed != new[: len(mixed)]).any(dim=1).nonzero().squeeze(1)
    assert changed.tolist() == corrected.tolist()
    (token,) = explain(output, [run.vocabulary.by_id[int(corrected[0])].text]).tokens
    assert token.correction is not None
    assert token.correction > 0


def test_a_model_with_a_head_is_blended(made):
    assert FinishedRun(made[0]).settings["method"] == "blend"


def test_prices_are_recorded(made):
    content = json.loads((made[0] / "monoglot" / "tokenizer" / "new_tokens.json").read_text())
    assert len(content["new"]) == NEW
    assert content["text_tokens"] < content["source_tokens"]
    assert all(token["saved_tokens"] > 0 for token in content["new"])


def test_the_proof_compares_what_was_kept(made):
    proof = json.loads((made[0] / "monoglot" / "manifest.json").read_text())["proof"]
    assert proof["largest_difference"] <= proof["tolerance"]
    assert 0 < proof["equal"] < proof["lines"]


def test_the_report_counts_tokens_of_the_new_vocabulary(made):
    finished = FinishedRun(made[0])
    ids = AutoTokenizer.from_pretrained(made[0]).get_vocab()
    recorded = json.loads((made[0] / "monoglot" / "tokenizer" / "new_tokens.json").read_text())["new"][0]
    assert abs(finished.counts[ids[recorded["text"]]] - recorded["count"]) <= 0.1 * recorded["count"] + 3
    page = (made[0] / "README.md").read_text()
    assert f"{NEW} new tokens that shorten the text" in page


def test_new_tokens_save_a_part_of_the_text(made):
    summary = made[1]
    assert summary.after.tokens_per_word < 0.97 * summary.before.tokens_per_word


def test_a_vocabulary_size_leaves_room_for_the_new_tokens(xlm_r, text, tmp_path):
    settings = Settings(mode="graft", vocabulary_size=300, new_tokens=30, threads=1)
    summary = specialize(str(xlm_r), [str(text)], tmp_path / "out", settings)
    assert summary.after.vocabulary == 300


def test_a_model_that_predicts_the_next_token_gets_new_ones_with_training_only(
    tiny_folder, text, tmp_path, caplog
):
    source = str(tiny_folder("gpt2"))

    def new_tokens(name, **settings):
        specialize(source, [str(text)], tmp_path / name, Settings(threads=1, **settings))
        return len(read_json(tmp_path / name / LAYOUT.home / LAYOUT.new_tokens)["new"])

    assert new_tokens("untrained") == 0
    assert "no new tokens are added: this model would have to predict them" in caplog.text
    caplog.clear()
    assert new_tokens("asked", new_tokens=7) == 7
    quick = {
        "schedule": "new-rows",
        "batch-tokens": "64",
        "device-tokens": "64",
        "window_tokens": 32,
        "checks": 1,
    }
    assert new_tokens("trained", adapt_tokens=64, adapt_options=quick) > 0
    assert "no new tokens" not in caplog.text


def test_a_small_text_gets_the_tokens_that_it_supports(xlm_r, tmp_path):
    (tmp_path / "little.txt").write_text("\n".join(sample("de", 40)), encoding="utf-8")
    settings = Settings(mode="graft", threads=1)
    summary = specialize(str(xlm_r), [str(tmp_path / "little.txt")], tmp_path / "out", settings)
    assert summary.after.vocabulary < summary.before.vocabulary


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"new_tokens": -1}, "can't be -1: give a number from 0 to 10000000"),
        ({"save": 1.5}, "out of range"),
        ({"new_tokens": 5, "save": 0.1}, "give only one"),
    ],
)
def test_settings_refuse_what_makes_no_sense(wrong, words):
    with pytest.raises(SettingError, match=words):
        Settings(**wrong)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--mode", "graft", "--new-tokens", "5", "--save", "0.1"], "set the same thing in two ways"),
        (["--mode", "graft", "--new-tokens", "90", "--vocabulary-size", "80"], "leave no room"),
        (["--mode", "trim", "--new-tokens", "5"], "is for --mode graft"),
        (["--mode", "replace", "--save", "0.1"], "is for --mode graft"),
        (["--mode", "graft", "--save", "1.1"], "out of range"),
        (["--mode", "graft", "--new-tokens", "-1"], "can't be -1: give a number from 0 to 10000000"),
        (["--new-tokens", "5", "--save", "0.1"], "give only one"),
        (["--mode", "graft", "--language-tokens", "-1"], "can't be -1: give a number from 0 to 10000000"),
        (["--mode", "replace", "--language-tokens", "9"], "is for --mode trim and graft"),
        (["--mode", "graft", "--weights", "1"], "--weights is for --mode trim"),
    ],
)
def test_contradictions_are_refused_in_the_first_second(xlm_r, text, tmp_path, capsys, flags, words):
    assert main(["specialize", str(xlm_r), str(text), "--output", str(tmp_path / "out"), *flags]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_more_new_tokens_than_the_text_supports(xlm_r, text, tmp_path):
    settings = Settings(mode="graft", new_tokens=100_000, threads=1)
    with pytest.raises(SettingError, match=r"this text supports: only \d+ new tokens"):
        specialize(str(xlm_r), [str(text)], tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


def test_plan_tries_grafts(xlm_r, text):
    options = {option.name: option for option in plan(str(xlm_r), [str(text)]).options}
    grafts = [option for name, option in options.items() if name.startswith("graft")]
    assert grafts
    assert all(option.relative_tokens < options["trim"].relative_tokens for option in grafts)


@pytest.mark.parametrize("mode", ["trim", "graft"])
def test_tokens_that_look_like_the_language_are_kept(xlm_r, text, tmp_path, mode):
    settings = Settings(mode=mode, language_tokens=50, threads=1)
    specialize(str(xlm_r), [str(text)], tmp_path / "out", settings)
    asked = json.loads((tmp_path / "out" / "monoglot" / "tokenizer" / "language_tokens.json").read_text())
    assert asked["scripts"] == ["Latin"]
    assert len(asked["tokens"]) == 50
    assert set(asked["tokens"]) <= AutoTokenizer.from_pretrained(tmp_path / "out").get_vocab().keys()


@pytest.mark.parametrize("lines", [1, 3])
def test_without_options_any_text_will_do(xlm_r, tmp_path, lines):
    (tmp_path / "little.txt").write_text("Ein Satz über Gesetze.\n" * lines)
    summary = specialize(str(xlm_r), [str(tmp_path / "little.txt")], tmp_path / "out")
    assert set(summary.provenance) == {"copied"}
    assert "too short to hold out a line" in (tmp_path / "out" / "monoglot" / "report.html").read_text()
    assert summary.proof["largest_difference"] <= summary.proof["tolerance"]


def test_a_replaced_vocabulary_is_as_large_as_the_text_supports(xlm_r, text, tmp_path, caplog):
    summary = specialize(
        str(xlm_r), [str(text)], tmp_path / "out", Settings(mode="replace", method="subword")
    )
    assert 500 < summary.after.vocabulary < 50_048
    assert f"supports {summary.after.vocabulary} tokens" in caplog.text


@pytest.mark.parametrize("mode", ["trim", "graft"])
def test_every_kept_token_has_its_reason(xlm_r, text, tmp_path, mode):
    out = tmp_path / "out"
    summary = specialize(str(xlm_r), [str(text)], out, Settings(mode=mode, threads=1))
    kept = json.loads((out / "monoglot" / "tokenizer" / "kept.json").read_text())["reasons"]
    ids = np.load(out / "monoglot" / "tokenizer" / "source_ids.npy")
    reasons = np.load(out / "monoglot" / "tokenizer" / "reasons.npy")
    assert len(reasons) == len(ids) == sum(kept.values())
    used = np.load(out / "monoglot" / "usage" / "counts.npy").sum(axis=0)[ids] > 0
    assert (used[reasons == Reason.TEXT]).all()
    assert not used[reasons == Reason.LANGUAGE].any()
    assert kept["language"] == (reasons == Reason.LANGUAGE).sum() > 20
    assert f"{kept['language']:,} that the text does not use but that look like its language" in summary.kept


def test_a_script_that_was_asked_for_is_kept_whole(xlm_r, text, tmp_path):
    tokens = AutoTokenizer.from_pretrained(xlm_r).get_vocab()
    arabic = {token for token in tokens if script_of(token) == "Arabic"}
    settings = Settings(mode="trim", language_tokens=0, keep_script=("Arabic",), threads=1)
    specialize(str(xlm_r), [str(text)], tmp_path / "out", settings)
    assert arabic
    assert arabic <= AutoTokenizer.from_pretrained(tmp_path / "out").get_vocab().keys()


def test_a_script_that_the_source_does_not_have(xlm_r, text, tmp_path, capsys):
    words = ["specialize", str(xlm_r), str(text), "-o", str(tmp_path / "out"), "--keep-script", "Ogham"]
    assert main(words) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "corpus" not in error  # was not read yet
    assert "--keep-script Ogham: the source has no token of a script of that name; it has Arabic" in error
    assert not (tmp_path / "out").exists()


def test_language_tokens_fill_the_room_that_a_size_leaves(xlm_r, text, tmp_path):
    used = specialize(
        str(xlm_r), [str(text)], tmp_path / "used", Settings(mode="trim", language_tokens=0, threads=1)
    )
    size = used.after.vocabulary + 30
    settings = Settings(mode="trim", vocabulary_size=size, threads=1)
    assert specialize(str(xlm_r), [str(text)], tmp_path / "out", settings).after.vocabulary == size
    kept = json.loads((tmp_path / "out" / "monoglot" / "tokenizer" / "kept.json").read_text())["reasons"]
    assert 30 <= kept["language"] < 40  # some of them are parts of other kept tokens


def test_a_share_in_percent(xlm_r, text, tmp_path, capsys):
    words = ["specialize", str(xlm_r), str(text), "-o", str(tmp_path / "out"), "--save"]
    assert main([*words, "5%", "--json"]) == 0
    manifest = json.loads((tmp_path / "out" / "monoglot" / "manifest.json").read_text())
    assert manifest["settings"]["Settings"]["save"] == 0.05
    capsys.readouterr()
    assert main([*words, "a lot", "--overwrite"]) == 2
    assert "--save a lot is not a share: give 0.1 or 10%" in " ".join(capsys.readouterr().err.split())


def test_explain_says_why_a_token_is_there(xlm_r, text, tmp_path):
    specialize(str(xlm_r), [str(text)], tmp_path / "out", Settings(new_tokens=20, threads=1))
    new = json.loads((tmp_path / "out" / "monoglot" / "tokenizer" / "new_tokens.json").read_text())["new"][0]
    vocabulary = Vocabulary.of(AutoTokenizer.from_pretrained(tmp_path / "out"))
    kept, added = vocabulary.by_id[30].text, new["text"]
    reasons = [explain(tmp_path / "out", [token]).tokens[-1].reason for token in (kept, added)]
    assert reasons[0].startswith("kept because ")
    assert reasons[1] == (
        f"new: occurs {new['count']:,} times in the text's words, and saves {new['saved_tokens']:,} tokens"
    )


def test_a_script_that_the_source_has_never_seen_is_named(xlm_r, tmp_path, caplog):
    words = ["ყველა", "ადამიანი", "იბადება", "თავისუფალი"]
    lines = [" ".join(order) for order in product(words, repeat=4)]
    (tmp_path / "ka.txt").write_text("\n".join(lines), encoding="utf-8")
    specialize(str(xlm_r), [str(tmp_path / "ka.txt")], tmp_path / "out", Settings(mode="trim", threads=1))
    assert (
        "100% of the text's letters are Georgian, and no token of the source has any of them" in caplog.text
    )


def test_the_next_command_trains_the_new_rows(xlm_r, text, tmp_path, capsys):
    words = ["specialize", str(xlm_r), str(text), "-o", str(tmp_path / "out"), "--new-tokens", "20"]
    given = ["--threads", "1", "--device", "cpu", "--seed", "7"]
    assert main([*words, *given]) == 0
    shown = capsys.readouterr().out
    trained = f"{tmp_path / 'out'}-trained"
    command = f"monoglot adapt {tmp_path / 'out'} {text} --output {trained} --tokens 50k --seed 7 --threads 1"
    assert f"{command} --device cpu" in shown
    assert f"monoglot explain {tmp_path / 'out'} WORD" in shown
    assert main([*command.replace("50k", "2k").split()[1:], "--device", "cpu"]) == 0
    heldout = f"{trained}/monoglot/corpus/heldout.txt"
    command = f"monoglot evaluate {trained} {heldout} --against {xlm_r} --threads 1 --device cpu"
    assert command in capsys.readouterr().out
    assert main([*command.split()[1:], "--lines", "3"]) == 0
    summary = specialize(str(xlm_r), [str(text)], tmp_path / "trim", Settings(mode="trim", threads=1))
    assert summary.next_command == ""


def test_options_of_a_method_without_new_tokens_are_said():
    found = Settings(new_tokens=0, method="focus", vectors="fasttext").ignored
    assert found == [
        "--method does nothing with --new-tokens 0",
        "--vectors does nothing with --new-tokens 0",
    ]


def test_vectors_that_a_method_does_not_need_are_said(xlm_r, text, tmp_path, caplog):
    settings = Settings(new_tokens=20, method="subword", vectors="fasttext", threads=1)
    specialize(str(xlm_r), [str(text)], tmp_path / "out", settings)
    assert "--vectors does nothing with --method subword" in caplog.text


def test_a_graft_without_new_tokens_says_so(xlm_r, tmp_path, caplog):
    file = tmp_path / "de.txt"
    file.write_text("\n".join(sample("de", 40)), encoding="utf-8")
    specialize(str(xlm_r), [str(file)], tmp_path / "out", Settings(threads=1))
    assert "no new tokens are added: none would save enough of this text" in caplog.text


def test_lines_that_are_held_out_as_well_are_said(xlm_r, text, tmp_path, caplog):
    heldout = tmp_path / "heldout.txt"
    heldout.write_text("\n".join(sample("de", 30)), encoding="utf-8")
    settings = Settings(mode="trim", heldout=str(heldout), threads=1)
    specialize(str(xlm_r), [str(text)], tmp_path / "out", settings)
    assert (
        "30 lines of the corpus are also in the held-out text, and are left out of the corpus" in caplog.text
    )
    with pytest.raises(CorpusError, match="all of its lines are in the held-out text, too"):
        specialize(str(xlm_r), [str(heldout)], tmp_path / "other", settings)


def test_one_line_is_not_called_held_out(xlm_r, tmp_path, capsys):
    file = tmp_path / "one.txt"
    file.write_text(" ".join(sample("de", 40)), encoding="utf-8")
    assert main(["specialize", str(xlm_r), str(file), "-o", str(tmp_path / "out"), "--mode", "trim"]) == 0
    said = capsys.readouterr().out
    assert "tokens per word (held-out)" not in said
    assert "Proof on the first lines of the text: 1 of 1 lines" in " ".join(said.split())


def test_a_card_of_an_earlier_run_is_said(xlm_r, text, tmp_path, caplog):
    output, settings = tmp_path / "out", Settings(mode="trim", threads=1)
    specialize(str(xlm_r), [str(text)], output, settings)
    card = (output / "README.md").read_text(encoding="utf-8") + "mine\n"
    (output / "README.md").write_text(card, encoding="utf-8")
    specialize(str(xlm_r), [str(text)], output, replace(settings, coverage=0.9), overwrite=True)
    assert (output / "README.md").read_text(encoding="utf-8") == card
    assert "what it says may be of an earlier run" in caplog.text
