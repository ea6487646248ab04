"""The report of real runs on tiny models: what is on it, and that it harms nothing."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
import shutil
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from monoglot.cli import main
from monoglot.errors import ModelError, OutputError, SettingError
from monoglot.maths.mixture import Mixture
from monoglot.pipeline import report as report_module
from monoglot.pipeline.adapt import adapt
from monoglot.pipeline.report import report
from monoglot.pipeline.specialize import specialize
from monoglot.settings import AdaptSettings
from monoglot.training.schedule import TrainingSettings
from tests.fixtures.folders import GERMAN, TINY
from tests.reporting.test_page import checked


@pytest.fixture
def run(german_run):
    """One finished run; not to be changed by a test."""
    return german_run[0]


@pytest.fixture
def copy(run, tmp_path):
    """A run of the test's own."""
    shutil.copytree(run, tmp_path / "copy")
    return tmp_path / "copy"


def page_of(output):
    return (output / "monoglot" / "report.html").read_text(encoding="utf-8")


def data_of(html):
    packed = re.search(r'id="data">([^<]*)<', html)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_specialize_leaves_a_page_drawings_and_a_card(run):
    found = checked(page_of(run))
    assert "german <i>" in found.text
    assert "monoglot gave xlm-roberta a vocabulary of 700 tokens" in found.text
    assert {"rows", "sentences", "tokens", "map", "norms", "making"} <= set(found.ids)
    assert "monoglot specialize " in found.text
    assert "--vocabulary-size 700 \\\n    --method blend \\\n    --threads 1" in found.text
    figures = run / "monoglot" / "figures"
    names = {"overlap-by-kind", "overlap-by-script", "map", "map-by-origin", "map-by-script", "norms"}
    assert {path.stem for path in figures.iterdir()} == names
    for path in figures.glob("*.svg"):
        ElementTree.parse(path)
    numbers = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in figures.glob("*.csv")}
    assert set(numbers) == {"overlap-by-kind", "overlap-by-script", "map", "norms"}
    head, *rows = csv.reader(numbers["overlap-by-kind"])
    assert head[1] == "copied"
    assert sum(int(count) for row in rows for count in row[1:]) == 700
    assert len(numbers["map"]) - 1 == len(data_of(page_of(run))["map"])
    assert "monoglot writes this file again" in (run / "README.md").read_text(encoding="utf-8")


def test_the_data_are_those_of_the_artifacts(run):
    data = data_of(page_of(run))
    mixture = Mixture.load(run / "monoglot" / "mixture" / "mixture.safetensors")
    n = len(data["texts"])
    assert n == 700 == len(data["counts"]) == len(data["more"]) == len(data["starts"]) - 1
    assert data["counts"] == sorted(data["counts"], reverse=True)
    assert sum(data["counts"]) == len(np.load(run / "monoglot" / "tokens" / "ids.npy"))
    names = [data["provenance"]["names"][code] for code in data["provenance"]["codes"]]
    for token in range(n):
        id = data["ids"][token]
        assert (
            names[token]
            == ("copied", "method", "subword", "noise", "mean", "unused", "script")[mixture.provenance[id]]
        )
        if names[token] == "copied":
            continue
        expected = [round(weight, 3) for _, weight in mixture.explain(id)[:6]]
        shown = data["weights"][data["starts"][token] : data["starts"][token + 1]]
        assert [weight / 1000 for weight in shown] == pytest.approx(expected, abs=1e-3)
    assert max(data["parents"]) == len(data["sources"]) - 1
    assert page_of(run).count("<circle") >= len(data["map"]) > 500


def test_the_page_is_written_again_alike(run, tmp_path):
    output = tmp_path / run.name  # the page says the name of its folder
    shutil.copytree(run, output)
    for path in (output / "monoglot" / "report.html", output / "README.md"):
        path.unlink()
    written = report(output)
    assert written.notes == ()
    for name in ("README.md", "monoglot/report.html", "monoglot/figures/map-by-script.svg"):
        again, first = ((folder / name).read_text(encoding="utf-8") for folder in (output, run))
        assert again.replace(str(tmp_path), str(run.parent)) == first


def test_a_comparison_put_beside_the_model_is_shown(copy):
    figures = [
        {"mean": 2.5, "std": 0.25, "values": [2.25, 2.75]},
        {"mean": 1.5, "std": None, "values": [1.5]},
    ]
    one = {"rank": 1, "name": "focus", "control": False, "vocabulary": 700}
    two = {"rank": None, "name": "original", "control": True, "vocabulary": 1500}
    scores = [
        {"start": {"heldout": figures[0]}, "end": {"heldout": figures[1]}},
        {"start": {"heldout": figures[1]}, "end": {}},
    ]
    content = {"measure": "bits_per_byte", "contestants": [one | scores[0], two | scores[1]]}
    (copy / "comparison.json").write_text(json.dumps(content))
    report(copy)
    found = checked(page_of(copy))
    assert "comparison" in found.ids
    shown = "".join(found.text.split())
    assert "focus7002.5000±0.25001.5000original(control)1,5001.5000–" in shown


def test_without_the_source_it_says_what_is_missing(copy, capsys):
    manifest = copy / "monoglot" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("/xlm-roberta", "/gone"))
    assert main(["report", str(copy), "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert len(notes) == 1
    assert "The source model was not available" in notes[0]
    assert "--source" in notes[0]
    html = page_of(copy)
    assert checked(html)
    assert data_of(html)["sources"][0].startswith("#")


def test_another_model_is_refused_as_the_source(copy, tiny_folder):
    with pytest.raises(ModelError, match="is not the one"):
        report(copy, source=str(tiny_folder("bert")))


def test_a_folder_of_somebody_else_is_refused(tmp_path, capsys):
    with pytest.raises(OutputError, match="was not made by monoglot"):
        report(tmp_path)
    with pytest.raises(OutputError, match=r"there is no folder .*nowhere"):
        report(tmp_path / "nowhere")
    assert main(["report", str(tmp_path)]) == 2
    assert "was not made by monoglot" in capsys.readouterr().err


def test_quality_and_speed_are_measured_when_asked_for_and_shown_ever_after(copy, tmp_path, capsys, run):
    assert "lines read per second" not in checked(page_of(copy)).text
    assert main(["report", str(copy), "--evaluate"]) == 0
    measured = json.loads((copy / "monoglot" / "evaluation.json").read_text())
    after, before = (each["language"]["bits_per_byte"] for each in measured["text"])
    assert measured["text"][1]["model"] == json.loads(
        (copy / "monoglot" / "manifest.json").read_text()
    )["names"]["source"]  # fmt: skip
    for _ in range(2):  # as measured, and read again
        text = checked(page_of(copy)).text
        assert re.search(rf"bits per byte, 100 held-out lines\s*{before:.3f}\s*{after:.3f}", text)
        assert "lines read per second" in text
        report(copy)
    assert "| bits per byte, 100 held-out lines |" in (copy / "README.md").read_text(encoding="utf-8")
    capsys.readouterr()

    (copy / "monoglot" / "corpus" / "heldout.txt").write_text("")
    assert main(["report", str(copy), "--evaluate"]) == 2
    assert "has no held-out text to measure on" in capsys.readouterr().err
    shutil.copytree(run, tmp_path / "lost")
    manifest = tmp_path / "lost" / "monoglot" / "manifest.json"
    manifest.write_text(re.sub(r'"source": "/[^"]*"', '"source": "/nowhere"', manifest.read_text()))
    assert main(["report", str(tmp_path / "lost"), "--evaluate"]) == 2
    assert "no source model to measure against" in capsys.readouterr().err


def test_drawings_are_written_as_png_when_asked_for(copy, monkeypatch):
    monkeypatch.setattr(report_module, "as_png", lambda svg: svg.encode()[:4])
    written = report(copy, png=True).figures
    figures = copy / "monoglot" / "figures"
    assert {name.rpartition(".")[2] for name in written} == {"svg", "png"}
    assert sorted(path.stem for path in figures.glob("*.png")) == sorted(
        p.stem for p in figures.glob("*.svg")
    )
    assert (figures / "norms.png").read_bytes() == b"<svg"


def test_a_readme_of_the_user_is_left_alone_and_outlives_overwriting(xlm_r, copy):
    (copy / "README.md").write_text("# Mine\n")
    assert report(copy).card is None
    specialize(xlm_r, GERMAN, copy, replace(TINY, method="subword"), overwrite=True)
    assert (copy / "README.md").read_text() == "# Mine\n"
    (copy / "README.md").unlink()
    assert report(copy, language="de").card == str(copy / "README.md")
    assert "language: de" in (copy / "README.md").read_text()


def test_a_report_that_fails_does_not_spoil_the_run(xlm_r, tmp_path, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("no ink")

    monkeypatch.setattr(report_module, "render", broken)
    specialize(xlm_r, GERMAN, tmp_path / "out", replace(TINY, method="mean"))
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert "could not be written (no ink)" in caplog.text


def test_what_adapt_made_of_it_shows_the_training_and_the_tokens(run, tmp_path):
    training = TrainingSettings(
        tokens=4 * 512, batch_tokens=512, window_tokens=64, precision="float32", checks=2
    )
    adapt(run, GERMAN, tmp_path / "trained", AdaptSettings(threads=1), training)
    html = page_of(tmp_path / "trained")
    found = checked(html)
    assert {"training", "tokens", "map"} <= set(found.ids)
    assert "It was then trained by mlm on 2,048 tokens" in found.text
    assert len(data_of(html)["texts"]) == 700
    figures = {path.stem for path in (tmp_path / "trained" / "monoglot" / "figures").iterdir()}
    assert figures >= {"training-loss", "bits-per-byte"}


@pytest.mark.parametrize(
    ("architecture", "mode"), [("gpt2", "extend"), ("bert", "trim"), ("gemma3", "replace")]
)
def test_other_families_and_modes(tiny_folder, tmp_path, architecture, mode):
    settings = replace(TINY, mode=mode, vocabulary_size=None if mode == "trim" else 900)
    if mode == "extend":
        settings = replace(settings, add_tokens=50)
    specialize(tiny_folder(architecture), GERMAN, tmp_path / "out", settings)
    data = data_of(page_of(tmp_path / "out"))
    assert sum(data["counts"]) > 1000
    assert not any("Ã" in text for text in data["texts"])


def test_a_folder_gets_the_name_that_the_user_gives_it(xlm_r, copy, tmp_path):
    assert "--base-model owner/name` names it" in (copy / "README.md").read_text()
    report(copy, base_model="owner/original")
    assert "base_model: owner/original" in (copy / "README.md").read_text()
    settings = replace(TINY, method="mean", base_model="owner/named")
    specialize(xlm_r, GERMAN, tmp_path / "out", settings)
    assert "base_model: owner/named" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(SettingError, match="not a name on the hub"):
        replace(TINY, base_model="folder")


@pytest.mark.parametrize("on_hub", [True, False])
def test_only_a_model_of_the_hub_is_named_as_base(run, tmp_path, on_hub):
    """A local path such as models/e5 looks like a name of the hub, and is none to anybody else."""
    copy = tmp_path / "out"
    shutil.copytree(run, copy)
    file = copy / "monoglot" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["names"] |= {"source": "models/e5-small", "hub": on_hub}
    file.write_text(json.dumps(manifest))
    report(copy)
    assert ("base_model: models/e5-small" in (copy / "README.md").read_text()) == on_hub
