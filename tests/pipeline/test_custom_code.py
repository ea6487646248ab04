"""A model with code of its own goes through every command if it is trusted, and through none if not."""

from __future__ import annotations

import json
import shutil

import pytest

from monoglot.errors import ModelError
from monoglot.pipeline.evaluate import evaluate
from monoglot.pipeline.plan import plan
from monoglot.pipeline.report import report
from monoglot.pipeline.specialize import specialize
from monoglot.reporting.explain import explain
from monoglot.settings import EvaluateSettings, Settings
from tests.fixtures.tokenizers import DATA

CODE = (
    "from transformers import XLMRobertaForMaskedLM\n\n\nclass Own(XLMRobertaForMaskedLM):\n    own = True\n"
)
TRIM = Settings(mode="trim", threads=1, trust_remote_code=True)


@pytest.fixture
def own(xlm_r, tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = tmp_path / "own"
    shutil.copytree(xlm_r, folder)
    (folder / "own_code.py").write_text(CODE)
    config = json.loads((folder / "config.json").read_text())
    config |= {"architectures": ["Own"], "auto_map": {"AutoModelForMaskedLM": "own_code.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_trusted_it_goes_through_every_command(own, tmp_path, caplog):
    out = tmp_path / "out"
    summary = specialize(own, DATA / "de.txt", out, TRIM)
    assert summary.proof["compared"]["texts"] > 0
    assert (out / "monoglot" / "report.html").is_file()
    assert "could not be written" not in caplog.text
    settings = EvaluateSettings(lines=2, trust_remote_code=True)
    found = evaluate(str(out), str(DATA / "de.txt"), against=str(own), settings=settings)
    assert found.text[0].language.bits_per_byte > 0
    assert report(out, evaluate=True, trust_remote_code=True).page
    assert explain(out, ["Hund"], trust_remote_code=True).words


def test_not_trusted_it_is_refused_first(own, tmp_path):
    refused = pytest.raises(ModelError, match="brings its own Python code")
    with refused:
        specialize(own, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1))
    assert not (tmp_path / "out").exists()
    with refused:
        plan(str(own), [str(DATA / "de.txt")])
    with refused:
        evaluate(str(own), [str(DATA / "de.txt")])
