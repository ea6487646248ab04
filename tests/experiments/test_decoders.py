"""A decoder with other vocabularies: rows of methods, an output head of its own, draws, the table."""

import argparse
import gzip
import json

import numpy as np
import pytest
import torch

from experiments.decoder import NAME, rates
from experiments.decoders import run
from experiments.decoders.run import STARTS, Start, Trainings, shown
from experiments.experiment import Results
from tests.fixtures.folders import GERMAN


@pytest.fixture(scope="module")
def case(tiny_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoders")
    (folder / "models").mkdir()
    (folder / "models" / NAME).symlink_to(tiny_folder("gemma3"), target_is_directory=True)
    (folder / "data" / "de").mkdir(parents=True)
    lines = GERMAN.read_text(encoding="utf-8").splitlines()
    with gzip.open(folder / "data" / "de" / "corpus.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines[:300]) + "\n")
    (folder / "data" / "de" / "heldout.txt").write_text("\n".join(lines[300:306]) + "\n", encoding="utf-8")
    arguments = argparse.Namespace(
        models=folder / "models", data=folder / "data", language="de", work=folder / "work", scale="small",
        seed=42,
    )  # fmt: skip
    return Trainings.of(arguments, 10**6, read_tokens=500)


def test_draws_are_of_bits_and_bytes_of_the_same_lines():
    found = rates(np.array([10.0, 40.0, 0.0, 10.0, 0.0, 0.0]), np.array([10.0, 10.0, 5.0, 10.0, 10.0, 5.0]))
    assert found == [60 / 50, 1.0, 2.0, 0.0]


def test_a_replacement_that_is_not_trained_is_scored_without_being_written(case):
    row = case.before("replace, subword")
    assert not case.model("replace, subword").exists()
    assert row["vocabulary"] == len(case.tokenizer)
    assert row["parameters"] == case.before("replace")["parameters"]
    assert row["bits_per_byte"] != case.before("replace, random")["bits_per_byte"]


def test_a_replacement_that_is_trained_is_written_as_it_was_scored(case):
    in_memory = case.before("replace, subword, equal weights")
    case.made("replace, subword, equal weights")
    written = case.before("replace, subword, equal weights")
    assert written["bits_per_byte"] == pytest.approx(in_memory["bits_per_byte"])
    assert {**written, "bits_per_byte": 0} == {**in_memory, "bits_per_byte": 0}


def test_a_head_of_its_own_leaves_the_embeddings_as_they_are(case):
    tied, own = case.started(Start("subword")), case.started(Start("subword", head="first"))
    assert torch.equal(tied.get_input_embeddings().weight, own.get_input_embeddings().weight)
    assert torch.equal(tied.get_output_embeddings().weight, tied.get_input_embeddings().weight)
    assert not torch.equal(own.get_output_embeddings().weight, own.get_input_embeddings().weight)
    table = own.get_input_embeddings().weight.numel()
    assert case.row_of(own)["parameters"] == case.row_of(tied)["parameters"] + table


def test_the_default_is_what_specialize_makes(case):
    start = Start("blend", "cooccurrence")
    assert start not in STARTS.values()
    assert case.row_of(case.started(start))["bits_per_byte"] == pytest.approx(
        case.before("replace")["bits_per_byte"]
    )


def test_a_training_is_not_done_again(case, tmp_path, monkeypatch):
    results = Results(tmp_path, "small_de")
    monkeypatch.setattr(run, "VOCABULARIES", ("original",))
    monkeypatch.setattr(run, "STARTS", {"replace, random": Start("random")})
    run.measure(case, results, {"tokens": 1}, ("replace, random",))
    rows = results.read()["rows"]
    assert list(rows) == ["original", "replace, random"]
    assert rows["replace, random"]["after"][0] < rows["replace, random"]["bits_per_byte"][0]
    assert "after" not in rows["original"]
    monkeypatch.setattr(Trainings, "after", None)
    run.measure(case, results, {"tokens": 1}, ("replace, random",))
    assert json.loads((tmp_path / "small_de.json").read_text())["rows"] == rows


def test_the_table_has_differences_to_replacement_before_and_to_trim_after():
    def row(tokens, bits, after=None):
        found = {"vocabulary": 1_000, "parameters": 12_300_000, "tokens": tokens,
                 "bits_per_byte": [bits, bits - 0.5, bits, bits + 0.5]}  # fmt: skip
        return found | ({"after": [after] * 4, "trained_tokens": 2_048} if after else {})

    rows = {
        "original": row(100, 1.5), "trim": row(100, 1.5, 1.25), "replace": row(80, 2.0, 1.75),
        "replace, subword": row(80, 2.25),
    }  # fmt: skip
    content = {
        "rows": rows, "machine": {"processor": "P", "cores": 2}, "command": "python", "commit": "abc",
        "date": "2026-01-01",
    }  # fmt: skip
    lines = shown(content).splitlines()
    assert lines[4].startswith("| replace | 1,000 | 12.3M | 20.0% | 2.000 ± 0.500 | – | 2,048 |")
    assert lines[4].endswith("| 1.750 ± 0.000 | +0.500 ± 0.000 |")
    assert lines[5].endswith("| 2.250 ± 0.500 | +0.250 ± 0.000 | – | – | – |")
    assert lines[3].endswith("| 1.250 ± 0.000 | – |")
