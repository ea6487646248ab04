"""A finished run finds the models that its files name, from whatever folder it is looked at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from monoglot.pipeline.adapt import adapt
from monoglot.pipeline.preview import original_of
from monoglot.pipeline.push import published
from monoglot.pipeline.report import report
from monoglot.pipeline.specialize import specialize
from monoglot.reporting.finished_run import FinishedRun, find_source
from monoglot.reporting.next_step import comparison_command
from monoglot.run import LAYOUT
from monoglot.settings import AdaptSettings
from monoglot.training.schedule import TrainingSettings
from tests.fixtures.folders import GERMAN, TINY

QUICK = TrainingSettings(tokens=2_000, window_tokens=32, batch_tokens=512, checks=1)


@pytest.fixture(scope="module")
def here(xlm_r, tmp_path_factory):
    """A folder with a source, a model made of it, and one trained of that, all named by relative paths."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))
        shutil.copytree(xlm_r, "source")
        specialize("./source", GERMAN, "made", TINY)
        adapt("made", GERMAN, "trained", AdaptSettings(threads=1), QUICK)
        return Path.cwd()


@pytest.fixture
def elsewhere(here, tmp_path, monkeypatch):
    """Another folder, which has another model of the source's name."""
    monkeypatch.chdir(tmp_path)
    Path("source").mkdir()
    Path("source/config.json").write_text("{}")
    return here


@pytest.mark.parametrize("name", ["made", "trained"])
def test_models_with_relative_names_are_found_from_other_folders(elsewhere, name):
    run = FinishedRun(elsewhere / name)
    assert find_source(run).model.folder == elsewhere / "source"
    assert run.mixture is not None


def test_the_original_of_a_model_is_found_from_other_folders(elsewhere):
    assert original_of(elsewhere / "made")[0] == str(elsewhere / "source")
    assert comparison_command(FinishedRun(elsewhere / "trained")).endswith(
        f"--against {elsewhere / 'source'} --threads 1"
    )


def test_names_stay_as_they_were_given_where_they_were_given(here, monkeypatch):
    monkeypatch.chdir(here)
    assert original_of(here / "made")[0] == "./source"
    assert find_source(FinishedRun(here / "made")).model.name == "./source"


def test_folders_that_moved_together_are_found(here, tmp_path, monkeypatch):
    shutil.copytree(here, tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    measured = Path("made/monoglot", LAYOUT.measured)
    measured.write_text(json.dumps(json.loads(measured.read_text()) | {"folder": str(tmp_path / "gone")}))
    assert find_source(FinishedRun(Path("made"))).model.name == "./source"


def test_what_is_published_names_no_folder_of_the_user(elsewhere):
    report(elsewhere / "made")
    adapt(elsewhere / "made", GERMAN, "again", AdaptSettings(threads=1), QUICK)
    for output in (elsewhere / "made", elsewhere / "trained", Path("again")):
        sent, _ = published(output)
        assert LAYOUT.card in [path.name for path in sent]
        for path in sent:
            for folder in (elsewhere, Path.cwd(), GERMAN.parent):
                assert str(folder).encode() not in path.read_bytes(), path
