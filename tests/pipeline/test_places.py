"""An output that is an input is refused in the first second by every command that makes one."""

import os
import shutil

import pytest

from monoglot.cli import main
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
        ("file", "is no folder; expected the folder to make"),
        ("file/out", "file is no folder"),
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
