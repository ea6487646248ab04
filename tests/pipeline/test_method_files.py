"""Files that an initialization method reads are inputs of a run: it is done anew when they change."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from monoglot.maths.mixture import Mixture, Provenance
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.methods import dictionary
from tests.fixtures.tokenizers import DATA, sample


def redone(output: Path) -> set[str]:
    stages = json.loads((output / "monoglot" / "measured.json").read_text())["stages"]
    return {name for name, stage in stages.items() if not stage["reused"]}


def test_a_changed_file_redoes_the_mixture_and_what_depends_on_it(xlm_r, tmp_path):
    lines = [line for line in sample("de") if line.strip() and "\t" not in line][:60]
    text = dictionary(tmp_path / "text.tsv", list(zip(lines, lines, strict=True)))
    options = {"parallel_text": text, "minimum_count": "1"}  # as the command line gives it
    settings = Settings(vocabulary_size=700, threads=1, method="alignment", method_options=options)
    mixtures = []
    for run in range(3):
        if run == 2:
            dictionary(tmp_path / "text.tsv", list(zip(lines[:20], lines[:20], strict=True)))
        specialize(xlm_r, DATA / "de.txt", tmp_path / "out", settings, overwrite=True)
        mixtures.append(Mixture.load(tmp_path / "out" / "monoglot" / "mixture" / "mixture.safetensors"))
        if run == 1:
            assert "mixture" not in redone(tmp_path / "out")
    assert {"mixture", "model"} <= redone(tmp_path / "out")
    assert not {"tokenizer", "overlap", "tokens"} & redone(tmp_path / "out")
    first, again, changed = (mixture.where(Provenance.METHOD) for mixture in mixtures)
    assert np.array_equal(first, again)
    assert len(first) > len(changed) > 0
