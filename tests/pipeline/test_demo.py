"""`monoglot demo`, with less training than users get."""

import json

import pytest

from monoglot.cli import main
from monoglot.corpus import open_corpus
from monoglot.demo import model_path, sample_path
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline import demo as module
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer


@pytest.fixture
def hurried(monkeypatch):
    """As few tokens and lines as still go through all stages."""
    monkeypatch.setattr(module, "PROBE_TOKENS", 2048)
    monkeypatch.setattr(module, "ADAPT_TOKENS", 2048)
    monkeypatch.setattr(module, "LINES", 4)
    monkeypatch.setattr(module, "VOCABULARY", {"de": 2000, "sw": 2000})


def test_the_demo_compares_specializes_and_reports(hurried, tmp_path, capsys):
    output = tmp_path / "out"
    assert main(["demo", "--language", "sw", "--output", str(output), "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    names = {row["name"] for row in found["comparison"]["contestants"]}
    assert {"blend", "focus", "random", "trim", "original as it is"} <= names
    assert [found["summary"][when]["vocabulary"] for when in ("before", "after")] == [24_000, 2000]
    page = (output / "demo-swahili" / "monoglot" / "report.html").read_text(encoding="utf-8")
    assert "Comparison" in page
    assert page.count("<polyline") == 2 * 6  # a curve and a line to its name for each that was trained
    assert found["comparison"]["verdict"][-1] in page
    assert "language: sw" in (output / "demo-swahili" / "README.md").read_text(encoding="utf-8")
    # The commands that it shows are those that do the same.
    for verb in ("compare", "specialize"):
        assert f"$ monoglot {verb} " in shown.err


@pytest.mark.parametrize("language", sorted(module.VOCABULARY))
def test_the_samples_support_the_vocabularies_that_the_demo_asks_for(language):
    lines = open_corpus([str(sample_path(language))]).all_lines()
    settings = TokenizerSettings(vocabulary_size=module.VOCABULARY[language])
    tokenizer = train_tokenizer(load_tokenizer(model_path()), lines, settings)
    assert len(tokenizer) == module.VOCABULARY[language]


def test_a_language_that_it_has_not_is_refused_before_any_work(tmp_path, capsys):
    assert main(["demo", "--language", "fr", "--output", str(tmp_path / "out")]) == 2
    assert "no demo for language 'fr'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
