"""Mode trim as a whole: languages with weights, and the proof that the manifest carries."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monoglot.cli import main
from monoglot.cli.show import summary_table
from monoglot.errors import CorpusError, ModelError
from monoglot.model import checkpoint
from monoglot.pipeline.specialize import specialize
from monoglot.pipeline.stages.context import VERSIONS
from monoglot.pipeline.stages.tokenizer import weighted_counts
from monoglot.settings import Settings
from tests.fixtures.tokenizers import DATA, sample

TRIM = Settings(mode="trim", threads=1)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """A long German text and a short Swahili one."""
    folder = tmp_path_factory.mktemp("text")
    for name, lines in (("de", sample("de", 1500)), ("sw", sample("sw", 200))):
        (folder / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder / "de.txt", folder / "sw.txt"


@pytest.fixture(scope="module")
def run(xlm_r, corpora, tmp_path_factory):
    """Trims to 250 tokens with weights; gives the ids kept and the output."""
    folder = tmp_path_factory.mktemp("out")

    def trim(name, weights):
        flags = [
            "--mode",
            "trim",
            "--vocabulary-size",
            "250",
            "--threads",
            "1",
            "--output",
            str(folder / name),
        ]
        flags += ["--overwrite", *(["--weights", *map(str, weights)] if weights else [])]
        assert main(["specialize", str(xlm_r), *map(str, corpora), *flags]) == 0
        stages = json.loads((folder / name / "monoglot" / "measured.json").read_text())["stages"]
        redone = {stage for stage, costs in stages.items() if not costs["reused"]}
        kept = np.load(folder / name / "monoglot" / "tokenizer" / "source_ids.npy")
        return set(kept.tolist()), redone

    return trim


def test_a_stage_of_another_version_is_done_again_and_what_depends_on_it(run, monkeypatch):
    run("versions", ())
    assert run("versions", ())[1] == set()
    monkeypatch.setitem(VERSIONS, "overlap", 2)
    _, redone = run("versions", ())
    assert "overlap" in redone
    assert not {"corpus", "usage", "tokenizer"} & redone


def test_weights_give_a_short_text_its_share(run):
    as_they_are, _ = run("one", ())
    equal, redone = run("one", (1, 1))
    assert {"usage", "tokenizer"} <= redone
    assert "corpus" not in redone
    swahili, redone = run("one", (1, 9))
    assert "usage" not in redone  # counted once for all weights
    assert {"tokenizer", "model"} <= redone
    scaled, _ = run("one", (10, 90))
    assert scaled == swahili
    assert len(as_they_are) == len(equal) == len(swahili) == 250
    assert len({frozenset(kept) for kept in (as_they_are, equal, swahili)}) == 3


def test_shares_do_not_depend_on_the_length_of_a_text():
    counts = np.array([[100, 300, 0], [1, 0, 1]])
    assert weighted_counts(counts, ()).tolist() == [101, 300, 1]
    np.testing.assert_allclose(weighted_counts(counts, (1, 3)), [0.0625 + 0.375, 0.1875, 0.375])
    np.testing.assert_allclose(weighted_counts(counts * [[1], [50]], (1, 3)), weighted_counts(counts, (1, 3)))
    assert weighted_counts(np.array([[0, 0], [1, 1]]), (1, 1)).tolist() == [0.25, 0.25]


def test_a_loss_is_shared_by_weight(xlm_r, corpora, tmp_path):
    def kept(name, weights):
        settings = Settings(mode="trim", threads=1, max_loss=0.3, weights=weights)
        summary = specialize(xlm_r, corpora, tmp_path / name, settings)
        lines = (tmp_path / name / "monoglot" / "corpus" / "heldout.txt").read_text().splitlines()
        swahili = set(sample("sw", 200))
        assert any(line in swahili for line in lines)  # held out from both
        assert not all(line in swahili for line in lines)
        return summary.after.vocabulary

    assert kept("german", (1000, 1)) != kept("swahili", (1, 1000))


def test_a_loss_can_not_be_shared_with_a_part_that_has_no_held_out_line(xlm_r, corpora, tmp_path):
    (tmp_path / "short.txt").write_text("Nur eine Zeile.\n")
    settings = Settings(mode="trim", threads=1, max_loss=0.3, weights=(1, 1))
    with pytest.raises(CorpusError, match=r"no line of .*short\.txt is held out"):
        specialize(xlm_r, [corpora[0], tmp_path / "short.txt"], tmp_path / "out", settings)


def test_the_manifest_carries_the_proof(xlm_r, tmp_path):
    summary = specialize(xlm_r, DATA / "de.txt", tmp_path / "out", TRIM)
    proof = json.loads((tmp_path / "out" / "monoglot" / "manifest.json").read_text())["proof"]
    assert set(proof) == {
        "lines", "equal", "share", "rows", "tensors", "left_out", "compared",
        "largest_difference", "largest_output",
        "tolerance", "fault",
    }  # fmt: skip
    assert proof["rows"] == summary.after.vocabulary
    assert proof["tensors"] > 10
    assert 0 < proof["equal"] <= proof["lines"]
    assert proof["largest_difference"] <= 1e-6
    assert proof["compared"]["texts"] > 0 < proof["compared"]["pairs"]
    assert proof["compared"]["batches"] > 0
    assert proof["fault"] == ""
    assert proof == {name: summary.proof[name] for name in proof}
    replaced = Settings(mode="replace", vocabulary_size=700, threads=1, method="subword")
    specialize(xlm_r, DATA / "de.txt", tmp_path / "other", replaced)
    assert "proof" not in json.loads((tmp_path / "other" / "monoglot" / "manifest.json").read_text())


@pytest.mark.parametrize(
    "settings",
    [TRIM, Settings(mode="extend", threads=1, add_tokens=50, vocabulary_size=700, method="subword")],
    ids=lambda settings: settings.mode,
)
def test_a_proof_that_fails_is_an_error_unless_it_was_accepted(xlm_r, tmp_path, monkeypatch, settings):
    """A body that is damaged on the way: the kept rows are right, another tensor and the outputs are not."""
    write = checkpoint.save_file

    def damaged(tensors, *rest, **more):
        name = next(name for name in tensors if name.endswith("intermediate.dense.weight"))
        write(tensors | {name: tensors[name] * 3}, *rest, **more)

    monkeypatch.setattr(checkpoint, "save_file", damaged)
    with pytest.raises(
        ModelError, match=r"was not shown to do what .*dense.weight differs from the original"
    ):
        specialize(xlm_r, DATA / "de.txt", tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()
    accepted = Settings(**vars(settings) | {"accept_difference": True})
    summary = specialize(xlm_r, DATA / "de.txt", tmp_path / "out", accepted)
    assert summary.proof["largest_difference"] > summary.proof["tolerance"]
    assert "dense.weight differs from the original's" in summary.proof["fault"]
    manifest = json.loads((tmp_path / "out" / "monoglot" / "manifest.json").read_text())
    assert manifest["proof"]["fault"] == summary.proof["fault"]
    assert any("difference was accepted" in str(part) for part in summary_table(summary))
