"""What a user may call a text, or several: one function for all commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from monoglot.corpus import inputs_of, open_corpus
from monoglot.errors import CorpusError
from monoglot.pipeline.evaluate import evaluate


@pytest.fixture
def text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "text.txt"
    file.write_text("eine Zeile\nnoch eine\n")
    return file


@pytest.mark.parametrize(
    "wrap", [str, Path, lambda f: [f], lambda f: (str(f),), lambda f: iter([f]), lambda f: {f}]
)
def test_one_name_or_several_of_any_kind(text, wrap):
    assert sorted(open_corpus(wrap(text)).all_lines()) == ["eine Zeile", "noch eine"]


def test_a_name_is_never_taken_letter_by_letter(text):
    assert inputs_of("text.txt") == ("text.txt",)
    assert inputs_of(Path("text.txt")) == ("text.txt",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "an empty name"),
        ([""], "an empty name"),
        (["text.txt", " "], "an empty name"),
        (b"text.txt", "expected the name of a file"),
        (7, "expected the name of a file"),
        ([None], "expected the name of a file"),
        ({"text": "text.txt"}, "expected the name of a file"),
        ([], "no corpus was given"),
    ],
)
def test_what_is_no_name_is_refused(text, given, message):
    with pytest.raises(CorpusError, match=message):
        open_corpus(given)


def test_evaluate_takes_a_single_name(xlm_r, text):
    assert evaluate(str(xlm_r), str(text)).text[0].tokenizer.lines == 2
    with pytest.raises(CorpusError, match="an empty name"):
        evaluate(str(xlm_r), "")


def test_an_empty_name_of_held_out_text_is_refused(text):
    with pytest.raises(CorpusError, match="an empty name"):
        open_corpus(text, heldout="")
