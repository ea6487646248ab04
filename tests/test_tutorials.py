"""Every command and snippet of the tutorials runs, in order, on tiny models in the place of large ones."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from monoglot.cli import main
from monoglot.demo import heldout_path
from monoglot.pipeline import push as pushing
from tests.cli.test_config_file import same_files
from tests.fixtures.tokenizers import DATA
from tests.pipeline.test_push import Hub

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(
    r"(?:`([\w.-]+\.jsonl)`:\n\n)?^```(bash|python|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
SMALLER = {
    "--new-tokens 10k": "--new-tokens 20",
    "--new-tokens 2k": "--new-tokens 20",
    "--tokens 250k": "--tokens 2k --checks 1",
    "--tokens 100M": "--tokens 2k --batch-tokens 512 --window-tokens 64 --checks 1",
    "--against": "--lines 5 --against",
}
"""What a test can't wait for, and what it does instead."""


def walk(page: str) -> dict[str, object]:
    """Do all that a page says in the current folder, and give the names that its Python defines."""
    found: dict[str, object] = {}
    for file, language, code in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if language == "json":
            Path(file).write_text(code, encoding="utf-8")
        elif language == "python":
            exec(code, found)
        else:
            for command in commands(code):
                assert main(command) == 0, shlex.join(command)
    return found


def commands(block: str) -> list[list[str]]:
    """The arguments of each monoglot command of a block, made small."""
    for large, small in SMALLER.items():
        block = block.replace(large, small)
    lines = block.replace("\\\n", " ").splitlines()
    split = [words for line in lines if (words := shlex.split(line, comments=True))]
    assert all(words[0] == "monoglot" for words in split)
    return [words[1:] for words in split]


@pytest.fixture
def encoder(home, tiny_folder) -> Path:
    """A tiny sentence encoder that averages its states, in the place of multilingual-e5-small."""
    folder = shutil.copytree(tiny_folder("bert-headless"), home / "intfloat" / "multilingual-e5-small")
    kind = "sentence_transformers.models"
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"{kind}.{name}"}
        for i, (path, name) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling")))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with German text, where models lie under the names that the hub has for them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monoglot.evaluation.quality.MOST_LINES", 10)
    (tmp_path / "german").mkdir()
    text = (DATA / "de.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    with gzip.open(tmp_path / "german" / "news.txt.gz", "wt", encoding="utf-8") as file:
        file.writelines(text[:1000])
    shutil.copy(heldout_path("de"), tmp_path / "heldout.txt")
    shutil.copy(heldout_path("sw"), tmp_path / "english.txt")
    swahili = (DATA / "sw.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "swahili.txt").write_text("".join(swahili[:600]), encoding="utf-8")
    return tmp_path


def test_an_embedding_model_from_text_to_a_published_folder(home, encoder, monkeypatch):
    monkeypatch.setattr(Hub, "repositories", {})
    monkeypatch.setattr(pushing, "HfApi", Hub)
    found = walk("tutorial-embeddings.md")
    assert found["vectors"].shape == (1, 16)
    assert same_files(home / "e5-german", home / "e5-german-again") == []
    published = home / "published" / "e5-german"
    assert (published / "model.safetensors").is_file()
    assert not (published / "monoglot").exists()
    assert "language: de\n" in (published / "README.md").read_text(encoding="utf-8")
    sent = Hub.repositories["my-name/e5-german"]
    assert sent["private"]
    assert "model.safetensors" in sent["files"]


def test_a_decoder_trimmed_and_grafted(home, tiny_folder):
    shutil.copytree(tiny_folder("gemma3"), home / "google" / "gemma-3-270m")
    found = walk("tutorial-decoder.md")
    assert len(found["tokenizer"]) == found["model"].get_input_embeddings().num_embeddings
    kept, grafted = (
        json.loads((home / name / "config.json").read_text()) for name in ("gemma-trimmed", "gemma-graft")
    )
    assert kept["vocab_size"] + 20 == grafted["vocab_size"]


def test_little_text(home, encoder):
    walk("tutorial-little-text.md")
    train, test = (
        (home / name).read_text(encoding="utf-8").splitlines() for name in ("train.txt", "test.txt")
    )
    assert train + test == (home / "swahili.txt").read_text(encoding="utf-8").splitlines()
    trimmed, source = (
        json.loads((folder / "config.json").read_text())["vocab_size"]
        for folder in (home / "e5-trimmed", encoder)
    )
    assert trimmed < source
    assert (home / "e5-tuned" / "model.safetensors").is_file()
