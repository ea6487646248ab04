"""A model beside its original: what is measured, on which lines, and what can't be."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch

from monoglot.errors import ModelError
from monoglot.evaluation.quality import (
    MOST_CHARACTERS,
    NO_CHANGE,
    WORST,
    Quality,
    beginning,
    compare_quality,
)
from monoglot.model.source import open_source
from tests.fixtures.tokenizers import DATA

LINES = (DATA / "de.txt").read_text(encoding="utf-8").split("\n")[:40]


@pytest.fixture
def source(tiny_folder):
    return open_source(str(tiny_folder("bert")))


def changed(source):
    """A copy with other embeddings."""
    made = open_source(str(source.folder))
    with torch.no_grad():
        table = made.model.get_input_embeddings().weight
        table += torch.randn(table.shape, generator=torch.Generator().manual_seed(0)) * table.std()
    return made.model, made.tokenizer


def test_a_model_is_as_good_as_itself(source):
    found = compare_quality(source, (source.model, source.tokenizer), LINES, seed=42)
    assert found.measure == "bits_per_byte"
    assert found.before == found.after > 0
    assert found.change == NO_CHANGE


def test_the_worst_lines_are_those_with_the_largest_loss(source):
    found = compare_quality(source, changed(source), LINES, seed=42)
    assert found.change.value == pytest.approx(found.after - found.before)
    assert found.change.low < found.change.value < found.change.high
    losses = [line.after - line.before for line in found.worst]
    assert len(losses) == WORST
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > found.change.value
    assert Quality.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_of_a_sentence_encoder_cosines_are_compared(sentence_encoder):
    source = open_source(str(sentence_encoder))
    found = compare_quality(source, changed(source), LINES, seed=42)
    assert found.measure == "cosine"
    assert found.before == 1
    assert found.after == pytest.approx(1 + found.change.value)
    assert found.change.low < found.change.value < found.change.high < 0
    cosines = np.array([line.after for line in found.worst])
    assert (np.diff(cosines) >= 0).all()
    assert cosines[0] < found.after


def test_lines_of_copied_tokens_are_not_computed_anew(sentence_encoder):
    source = open_source(str(sentence_encoder))
    made = changed(source)
    measured = {line.place: line.after for line in compare_quality(source, made, LINES, seed=42).worst}
    copy_of = np.arange(len(source.tokenizer))
    assert compare_quality(source, made, LINES, seed=42, copy_of=copy_of).after == 1
    rows = [set(source.tokenizer(beginning(line), add_special_tokens=False)["input_ids"]) for line in LINES]
    rarest, _ = Counter(id for place in measured for id in rows[place]).most_common()[-1]
    copy_of[rarest] = -1  # a token of one of the worst lines
    found = compare_quality(source, made, LINES, seed=42, copy_of=copy_of)
    again = {line.place: line.after for line in found.worst if line.after < 1}
    assert again.keys() <= {place for place, ids in enumerate(rows) if rarest in ids}
    shared = again.keys() & measured.keys()
    assert shared
    for place in shared:
        assert again[place] == pytest.approx(measured[place], abs=1e-6)


def test_tokenizers_are_left_as_they_were(sentence_encoder):
    """Truncation that stays would have whoever segments whole texts next copy the tokenizer first."""
    source = open_source(str(sentence_encoder))
    compare_quality(source, changed(source), LINES, seed=42)
    assert source.tokenizer.backend_tokenizer.truncation is None


@pytest.mark.parametrize("lines", [[], ["", "  "]])
def test_without_held_out_text_nothing_is_measured(source, lines):
    with pytest.raises(ModelError, match="no held-out text"):
        compare_quality(source, (source.model, source.tokenizer), lines, seed=42)


def test_of_long_lines_the_beginning_is_read_up_to_a_space():
    words = "Wort " * 100
    assert beginning(words) == words[: MOST_CHARACTERS - 1]
    assert beginning("字" * 300) == "字" * MOST_CHARACTERS
    assert beginning("kurz") == "kurz"
