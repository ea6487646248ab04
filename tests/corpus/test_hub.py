"""Hub datasets, with the hub itself replaced."""

from __future__ import annotations

from types import SimpleNamespace

import datasets
import huggingface_hub
import pytest

from monoglot.corpus import open_corpus
from monoglot.errors import CorpusError


@pytest.fixture
def hub(monkeypatch):
    """A hub with one dataset; the list collects how it is asked for."""
    asked = []

    def load_dataset(path, config, *, split, revision, streaming):
        asked.append((path, config, split, revision, streaming))
        if split != "train":
            raise ValueError(f'Unknown split "{split}".\nShould be one of [train].')
        rows = {"id": [1, 2, 3, 4], "text": ["eins", "zwei\ndrei", None, "vier"]}
        return datasets.Dataset.from_dict(rows).to_iterable_dataset()

    def dataset_info(self, path):
        if path != "owner/german":
            raise ConnectionError(f"404 Client Error.\nRepository Not Found for {path}")
        return SimpleNamespace(sha="c0ffee")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", dataset_info)
    return asked


def test_dataset_is_streamed_at_one_revision(hub):
    corpus = open_corpus(["owner/german:wiki"])

    assert sorted([*corpus.lines(), *corpus.heldout_lines()]) == ["drei", "eins", "vier", "zwei"]
    assert set(hub) == {("owner/german", "wiki", "train", "c0ffee", True)}
    assert open_corpus(["owner/german"]).fingerprint() != corpus.fingerprint()


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("owner/nothing", "text", r"'owner/nothing' is not a file here.*404 Client Error\.\)"),
        ("owner/german:wiki:test", "text", r"owner/german:wiki:test.*Unknown split"),
        ("owner/german", "body", r"no column 'body'; it has 'id', 'text'"),
        ("owner/german", "id", r"column 'id' of owner/german:train holds int64"),
    ],
)
def test_mistakes_are_named(hub, name, column, message):
    with pytest.raises(CorpusError, match=message):
        open_corpus([name], column=column).statistics()
