"""The stage that measures the finished model beside its original, in real runs on tiny models."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from transformers import AutoTokenizer

from monoglot.errors import ModelError
from monoglot.pipeline.specialize import specialize
from monoglot.pipeline.stages.quality import scored_or_skipped
from monoglot.run import read_json
from monoglot.settings import Settings
from tests.fixtures.folders import GERMAN, TINY
from tests.pipeline.test_report import page_of


def test_a_run_tells_its_quality_everywhere_alike(german_run):
    output, summary = german_run
    manifest = read_json(output / "monoglot" / "manifest.json")
    assert manifest["quality"] == json.loads(json.dumps(summary.quality.to_dict()))
    assert summary.quality.measure == "bits_per_byte"
    page = page_of(output)
    for answer in summary.verdict:
        assert answer.after in page
    assert 'id="worst"' in page


def test_lines_as_before_are_counted_alike_with_and_without_a_proof(german_run, xlm_r):
    output, summary = german_run
    lines = (output / "monoglot" / "corpus" / "heldout.txt").read_text(encoding="utf-8").split("\n")[:-1]
    old, new = (AutoTokenizer.from_pretrained(folder) for folder in (xlm_r, output))
    segmented = [[each.tokenize(line) for line in lines] for each in (old, new)]
    same = sum(before == after for before, after in zip(*segmented, strict=True))
    assert summary.quality.heldout == len(lines)
    # Equal spellings may be unknown tokens of both, whose characters differ from nothing.
    assert summary.quality.as_before <= same


def test_a_trimmed_model_is_as_good_as_the_original_on_lines_that_come_out_as_before(xlm_r, tmp_path):
    made = specialize(xlm_r, GERMAN, tmp_path / "out", Settings(mode="trim", threads=1))
    assert made.quality.as_before == made.proof["equal"]
    assert made.next_command == ""
    assert "from_pretrained" in page_of(tmp_path / "out").partition('id="answer"')[2].partition("<nav")[0]


def test_a_sentence_encoder_is_measured_by_its_vectors_and_told_how_to_train(sentence_encoder, tmp_path):
    output = tmp_path / "out"
    made = specialize(sentence_encoder, GERMAN, output, TINY)
    assert made.quality.measure == "cosine"
    assert 0 < made.quality.after < 1
    assert f"adapt {output}" in made.next_command
    assert "--objective-options.prefix 'query: '" in made.next_command


@pytest.mark.parametrize(
    ("architecture", "why"), [("t5", "is neither a causal"), ("bert-headless", "is neither a causal")]
)
def test_a_model_that_cannot_be_scored_says_why(tiny_folder, tmp_path, architecture, why):
    made = specialize(tiny_folder(architecture), GERMAN, tmp_path / "out", replace(TINY, method="mean"))
    assert why in made.quality.skipped
    assert f"not measured: {made.quality.skipped}" in page_of(tmp_path / "out")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ModelError("there is no held-out text."), "there is no held-out text"),
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        (KeyError("layers"), "KeyError: 'layers'"),
    ],
)
def test_no_error_of_a_model_loses_what_was_made(error, why):
    def score():
        raise error

    assert scored_or_skipped(score).skipped == why


def test_a_signal_is_no_reason_to_skip_the_scores():
    def score():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored_or_skipped(score)
