"""An output that is an input is refused in the first second by every command that makes one."""

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
