"""A text of one or two lines: every command makes what it can of it, or says what is missing."""

from __future__ import annotations

import json

import pytest

from monoglot.cli import main
from tests.fixtures.tokenizers import DATA

TRAINED = ("--adapt-tokens", "512")
SMALL = ("--batch-tokens", "32", "--window-tokens", "16", "--device-tokens", "32", "--checks", "1")


@pytest.fixture(params=[1, 2])
def text(request, tmp_path):
    """A file of so many lines."""
    lines = (DATA / "de.txt").read_text(encoding="utf-8").splitlines()
    file = tmp_path / f"{request.param}.txt"
    file.write_text("".join(f"{line}\n" for line in lines[: request.param]), encoding="utf-8")
    return file


@pytest.mark.parametrize("mode", ["graft", "trim", "extend", "replace"])
@pytest.mark.parametrize("text", [1], indirect=True)
def test_a_vocabulary_follows_from_the_text(mode, text, xlm_r, tmp_path, capsys, caplog):
    words = [str(xlm_r), str(text), "--output", str(tmp_path / "out"), "--mode", mode, "--threads", "1"]
    assert main(["specialize", *words, "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    before, after = (found[when]["vocabulary"] for when in ("before", "after"))
    if mode == "extend":
        assert before < after < before + 30_000
        assert f"the text supports {after - before:,} new tokens" in caplog.text
    else:
        assert after < before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("adapt",), "of one batch: give more text or a smaller --batch-tokens"),
        (("specialize", *TRAINED), "of one batch: give more text or a smaller --batch-tokens"),
        (("specialize", "--mode", "extend", "--add-tokens", "900"), "900 were requested: request fewer"),
    ],
)
@pytest.mark.parametrize("text", [2], indirect=True)
def test_what_is_missing_is_said(words, message, text, xlm_r, tmp_path, capsys):
    command, *options = words
    given = [command, str(xlm_r), str(text), "--output", str(tmp_path / "out"), *options, "--threads", "1"]
    assert main([*given, "--quiet"]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", [2], indirect=True)
def test_with_small_batches_it_is_trained_on(text, xlm_r, tmp_path, capsys, caplog):
    words = ["adapt", str(xlm_r), str(text), "--output", str(tmp_path / "out"), "--tokens", "64", *SMALL]
    words += ["--teacher", str(xlm_r)]
    assert main([*words, "--threads", "1", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["record"]["steps"] == 2
    assert f"--teacher {xlm_r} has no effect: the objective mlm matches no other model" in caplog.text


@pytest.mark.parametrize("text", [1], indirect=True)
@pytest.mark.parametrize("words", [("adapt", *SMALL), ("specialize", *TRAINED)])
def test_a_training_needs_a_line_to_score_on(words, text, xlm_r, tmp_path, capsys):
    command, *options = words
    given = [command, str(xlm_r), str(text), "--output", str(tmp_path / "out"), *options, "--threads", "1"]
    assert main([*given, "--quiet"]) == 2
    assert "none can be held out to score on: give more text, or --heldout TEXT" in capsys.readouterr().err


def test_a_comparison_needs_a_line_to_score_on(text, xlm_r, tmp_path, capsys):
    words = ["compare", str(xlm_r), str(text), "--output", str(tmp_path / "out"), "--probe-tokens", "128"]
    assert main([*words, "--vocabulary-size", "60", "--threads", "1", "--quiet"]) == 2
    error = capsys.readouterr().err
    one = text.name == "1.txt"
    assert ("none can be held out to score on: give more text, or --heldout TEXT" in error) == one
    assert ("of one batch: give more text" in error) == (not one)


@pytest.mark.parametrize("command", ["evaluate", "plan"])
@pytest.mark.parametrize("text", [1], indirect=True)
def test_other_commands_work(command, text, xlm_r, capsys):
    assert main([command, str(xlm_r), str(text), "--threads", "1", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)
