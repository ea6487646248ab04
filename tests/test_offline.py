"""Offline mode is named, with the way out of it."""

import pytest
from huggingface_hub.errors import OfflineModeIsEnabled

from monoglot.cli import main
from monoglot.corpus import open_corpus
from monoglot.errors import CorpusError
from monoglot.offline import offline_switch
from tests.fixtures.tokenizers import DATA


@pytest.fixture(params=["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def switch(request, monkeypatch):
    """One of the variables, set alone."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    assert offline_switch() is None
    monkeypatch.setenv(request.param, "yes")
    assert offline_switch() == request.param
    return request.param


@pytest.mark.parametrize("command", ["specialize", "adapt", "compare", "evaluate", "plan", "audit"])
def test_a_model_that_is_not_in_the_cache(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    words = [command, "owner/never-made", *([str(DATA / "de.txt")] if command != "audit" else []), "--quiet"]
    output = ["--output", str(tmp_path / "out")] if command in ("specialize", "adapt", "compare") else []
    assert main([*words, *output]) == 2
    error = capsys.readouterr().err
    assert "HF_HUB_OFFLINE keeps monoglot from asking the hub: unset HF_HUB_OFFLINE, or give" in error
    assert "owner/never-made" in error
    assert error.count("\n") == 1


def test_a_corpus_of_the_hub(switch, monkeypatch):
    def refuse(self, path):
        raise OfflineModeIsEnabled("Cannot reach the hub: offline mode is enabled.")

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", refuse)
    with pytest.raises(CorpusError, match=f"{switch} keeps monoglot .*: unset {switch}, or give"):
        open_corpus(["owner/dataset"])
