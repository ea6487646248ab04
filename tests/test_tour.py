"""The notebook of the documentation runs offline, from the first cell to the last."""

import json
from pathlib import Path

import pytest

TOUR = Path(__file__).parent.parent / "docs" / "tour.ipynb"


def cells() -> list[dict]:
    """The cells of the notebook."""
    return json.loads(TOUR.read_text(encoding="utf-8"))["cells"]


def test_it_runs_and_answers(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    for cell in cells():
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), found)
    shown = capsys.readouterr().out
    assert "lines as before" in shown
    assert "bits per byte" in shown
    assert found["summary"].after.parameters < found["summary"].before.parameters
    assert (tmp_path / "tour" / "trained" / "model.safetensors").is_file()


def test_it_is_saved_without_outputs():
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells())


@pytest.mark.parametrize("key", ["nbformat", "metadata"])
def test_it_has_what_jupyter_asks_for(key):
    assert key in json.loads(TOUR.read_text(encoding="utf-8"))
