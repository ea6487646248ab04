"""An output that is an input is refused in the first second by every command that makes one."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModelForMaskedLM, AutoTokenizer

from monoglot.cli import main
from monoglot.corpus import Corpus
from tests.fixtures.models import ARCHITECTURES, permuted
from tests.fixtures.tokenizers import DATA


@pytest.mark.parametrize("command", ["specialize", "adapt", "compare"])
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("model", "is the model"),
        ("model/german", "lies in the model"),
        ("texts", "is the corpus"),
        ("texts/out", "lies in the corpus"),
        ("heldout", "holds the held-out text"),
        ("link", "is the model"),
    ],
)
def test_an_output_that_is_an_input_is_refused(command, output, said, xlm_r, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(xlm_r, "model")
    for folder in ("texts", "heldout"):
        (tmp_path / folder).mkdir()
        shutil.copyfile(DATA / "de.txt", tmp_path / folder / "de.txt")
    (tmp_path / "link").symlink_to("model")
    before = sorted(tmp_path.rglob("*"))
    words = [command, "model", "texts", "--heldout", "heldout/de.txt", "-o", output, "--overwrite"]
    assert main(words) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", ["specialize", "adapt", "compare"])
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("/", "has no name of its own"),
        ("..", "has no name of its own"),
        ("file", "is not a folder; expected the folder to make"),
        ("file/out", "file is not a folder"),
        (os.fsdecode(b"\xff\xfe"), "is not UTF-8"),
        ("a" * 230, "has 230 bytes; expected at most 220"),
    ],
)
def test_an_output_that_can_not_be_made_is_refused(
    command, output, said, xlm_r, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main([command, str(xlm_r), str(DATA / "de.txt"), "--output", output]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("place", ["folder", "file", "keep-tokens"])
def test_names_that_are_not_utf_8_are_refused_before_the_work(place, xlm_r, tmp_path, capsys):
    strange = os.fsdecode(b"\xff\xfe")
    model = shutil.copytree(xlm_r, tmp_path / ("model" + strange * (place == "folder")))
    (model / (strange if place == "file" else "notes.txt")).touch()
    (tmp_path / strange).write_text("der\n")
    words = ["--keep-tokens", str(tmp_path / strange)] if place == "keep-tokens" else []
    code = main(["specialize", str(model), str(DATA / "de.txt"), "--output", str(tmp_path / "out"), *words])
    assert code == 2
    assert "not UTF-8" in capsys.readouterr().err
    assert not (tmp_path / "out.partial").exists()


GERMAN, SWAHILI = str(DATA / "de.txt"), str(DATA / "sw.txt")


@pytest.fixture
def bert(tiny_folder, tmp_path) -> Path:
    """A folder of a tiny BERT that a test may damage."""
    return Path(shutil.copytree(tiny_folder("bert"), tmp_path / "bert"))


@pytest.fixture
def refused(tmp_path, capsys, monkeypatch):
    """Runs a command that must be refused without a look at the text; gives what it says."""

    def read(*_):
        raise AssertionError("the corpus was read")

    def run(source, *words):
        monkeypatch.setattr(Corpus, "statistics", read)
        capsys.readouterr()  # what the test itself has had to say so far
        before = sorted(tmp_path.rglob("*"))
        out = tmp_path / "out"
        code = main(["specialize", str(source), *map(str, words), "--output", str(out), "--threads", "1"])
        printed, said = capsys.readouterr()
        assert (code, printed) == (2, "")
        assert [path for path in sorted(tmp_path.rglob("*")) if path.suffix != ".lock"] == before
        found, _, sentence = " ".join(said.split()).partition("error: ")
        assert sentence
        assert "corpus " not in found  # model and files are reported at once, stages not yet
        assert "Traceback" not in said
        return sentence

    return run


def edit(file: Path, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_a_tokenizer_of_another_model(bert, target_tokenizers, tmp_path, refused):
    fewer = ARCHITECTURES["bert"](target_tokenizers["wordpiece"])
    fewer.save_pretrained(bert)
    said = refused(bert, GERMAN)
    assert re.search(r"has the id 15\d\d but the embeddings have 1000 rows", said)


def test_an_id_given_twice(bert, refused):
    def twice(state):
        state["model"]["vocab"] |= {"doppelt": state["model"]["vocab"]["a"]}

    edit(bert / "tokenizer.json", twice)
    said = refused(bert, GERMAN)
    assert "'a'" in said
    assert "'doppelt'" in said
    assert "each token needs its own id" in said


def test_ids_with_gaps_are_no_hindrance(bert, tmp_path, source_tokenizers):
    def drop(state):
        vocabulary = state["model"]["vocab"]
        for text in sorted(vocabulary, key=vocabulary.get)[700:710]:
            del vocabulary[text]

    edit(bert / "tokenizer.json", drop)
    source = AutoTokenizer.from_pretrained(bert)
    old = AutoModelForMaskedLM.from_pretrained(bert).get_input_embeddings().weight
    for mode in ("trim", "replace", "extend"):
        flags = ["--mode", mode, "--threads", "1", "--method", "subword"]
        flags += [] if mode == "trim" else ["--vocabulary-size", "700"]
        flags += ["--add-tokens", "100"] if mode == "extend" else []
        assert main(["specialize", str(bert), GERMAN, "--output", str(tmp_path / mode), *flags]) == 0
        new, tokenizer = (
            auto.from_pretrained(tmp_path / mode) for auto in (AutoModelForMaskedLM, AutoTokenizer)
        )
        shared = [word for word in ("a", "##a", "e", "##n", "[MASK]") if word in tokenizer.get_vocab()]
        assert len(shared) > 2
        rows = new.get_input_embeddings().weight
        for word in shared:
            places = tokenizer.convert_tokens_to_ids(word), source.convert_tokens_to_ids(word)
            assert rows[places[0]].equal(old[places[1]])


def test_code_of_the_model_itself(bert, refused):
    edit(bert / "config.json", lambda config: config.update(auto_map={"AutoModel": "modeling.Own"}))
    (bert / "modeling.py").write_text("raise SystemExit('the code was run')")
    assert "brings its own Python code, which is not run" in refused(bert, GERMAN)


def test_a_damaged_tokenizer(bert, refused):
    file = bert / "tokenizer.json"
    file.write_text(file.read_text()[:-100])
    assert "can't be read" in refused(bert, GERMAN)
    file.write_text("{}")
    assert "can't be read" in refused(bert, GERMAN)
    file.unlink()
    assert "has no tokenizer.json" in refused(bert, GERMAN)


def test_a_target_whose_pad_token_has_no_place(xlm_r, source_tokenizers, tmp_path, refused):
    tokenizer = source_tokenizers["unigram"]
    order = np.arange(len(tokenizer))
    order[[1, 900]] = order[[900, 1]]
    permuted(tokenizer, order).save_pretrained(tmp_path / "mine")
    said = refused(xlm_r, GERMAN, "--mode", "replace", "--target-tokenizer", tmp_path / "mine")
    assert "900" in said
    assert "position" in said


def test_a_target_without_what_generation_starts_with(
    tmp_path, source_tokenizers, target_tokenizers, refused
):
    model = ARCHITECTURES["bart"](source_tokenizers["unigram"])
    model.generation_config.forced_bos_token_id = source_tokenizers["unigram"].convert_tokens_to_ids("▁der")
    for one in (model, source_tokenizers["unigram"]):
        one.save_pretrained(tmp_path / "bart")
    target_tokenizers["byte-level-bpe"].save_pretrained(tmp_path / "mine")
    said = refused(tmp_path / "bart", GERMAN, "--mode", "replace", "--target-tokenizer", tmp_path / "mine")
    assert "forced_bos_token_id" in said


def test_an_extension_of_another_family(xlm_r, target_tokenizers, tmp_path, refused):
    target_tokenizers["wordpiece"].save_pretrained(tmp_path / "mine")
    said = refused(xlm_r, GERMAN, "--mode", "extend", "--target-tokenizer", tmp_path / "mine")
    assert "same family" in said


TRIM = ("--mode", "trim")
SIZE = ("--vocabulary-size", "700")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*TRIM, *SIZE, "--weights", "1"), "1 numbers for 2 CORPUS arguments"),
        ((*TRIM, *SIZE, "--weights", "1", "2", "3"), "3 numbers for 2 CORPUS arguments"),
        ((*TRIM, *SIZE, "--weights", "1", "0"), "positive numbers, got 0.0"),
        ((*TRIM, *SIZE, "--weights", "1", "nan"), 'expected a number, got "nan"'),
        ((*TRIM, "--weights", "1", "1"), "--coverage or --max-loss too"),
        ((*SIZE, "--weights", "1", "1"), "--weights is for --mode trim"),
        ((*TRIM, "--coverage", "0.9", "--max-loss", "0.1"), "one rule"),
        ((*TRIM, "--coverage", "1.5"), "give a number from 0 to 1"),
        ((*TRIM, "--target-tokenizer", "mine"), "leave out --target-tokenizer"),
    ],
)
def test_settings_without_sense(xlm_r, words, message, refused):
    assert message in refused(xlm_r, GERMAN, SWAHILI, *words)


def test_one_file_with_two_weights(xlm_r, refused):
    assert "name it once" in refused(xlm_r, GERMAN, GERMAN, *TRIM, *SIZE, "--weights", "1", "2")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--method", "wechsel"), "method 'wechsel' needs the option 'dictionary'"),
        (("--method", "alignment"), "method 'alignment' needs the option 'parallel_text'"),
        (("--method", "alignment", "--method-options.parallel-text", "none"), "there is no file 'none'"),
        (("--method", "alignment", "--method-options.parallel-text", GERMAN), "line 1 of"),
        (("--method", "ofa", "--method-options.word-vectors", GERMAN), "read from .vec and .bin files"),
        (("--method", "omp", "--method-options.k", "65"), "from 1 to 64"),
        (("--method", "focus", "--method-options.temperature", "0.1"), "needs a number of anchors"),
        (("--method", "subword", "--method-options.weighting", "frist"), "did you mean 'first'"),
    ],
)
def test_methods_without_what_they_need(xlm_r, words, message, refused):
    assert message in refused(xlm_r, GERMAN, *words)
