"""Distances before training: paired differences, the same tokens in all spaces."""

import numpy as np
import pytest

from experiments.before_training import distances, table
from experiments.forgotten.run import scores
from experiments.spaces import alike, plain
from monoglot.vectors.engine import TokenVectors


def test_differences_are_taken_draw_by_draw():
    rows = {
        "all": {"distance": [0.02, 0.01, 0.02, 0.03], "tatoeba": [0.5, 0.4, 0.5, 0.6], "anchors": 7,
                "parameters": 2_000_000},
        "few": {"distance": [0.03, 0.02, 0.03, 0.04], "tatoeba": [0.5, 0.5, 0.5, 0.5], "anchors": None,
                "parameters": 2_000_000},
    }  # fmt: skip
    content = {
        "rows": rows, "machine": {"processor": "P", "cores": 2}, "command": "python", "commit": "abc",
        "date": "2026-01-01",
    }  # fmt: skip
    lines = table(content, ["all", "few", "not measured"], "all").splitlines()
    assert lines[2] == "| all | 7 | 2.0M | 0.0200 ± 0.0100 | – | 0.500 ± 0.100 |"
    assert lines[3] == "| few | – | 2.0M | 0.0300 ± 0.0100 | +0.0100 ± 0.0000 | 0.500 ± 0.000 |"
    assert "not measured" not in "".join(lines)


def test_a_decoder_has_bits_per_byte_in_place_of_distance_and_retrieval():
    rows = {
        "all": {"bits_per_byte": [2.0, 1.0, 2.0, 3.0], "anchors": 7, "parameters": 2_000_000},
        "few": {"bits_per_byte": [2.5, 1.5, 2.5, 3.5], "anchors": None, "parameters": 2_000_000},
    }
    content = {
        "rows": rows, "machine": {"processor": "P", "cores": 2}, "command": "python", "commit": "abc",
        "date": "2026-01-01",
    }  # fmt: skip
    lines = table(content, ["all", "few"], "all").splitlines()
    assert lines[0] == "|  | anchors | parameters | bits per byte | against all |"
    assert lines[3] == "| few | – | 2.0M | 2.500 ± 1.000 | +0.500 ± 0.000 |"
    assert "Bits per byte before any training" in distances(rows, ["all", "few"])


def test_files_of_spaces_have_plain_names():
    assert plain("fastText, 100 dimensions") == "fastText-100-dimensions"


def test_all_spaces_answer_for_the_same_tokens():
    matrix, counts = np.eye(3, dtype=np.float32), np.ones(3, np.int64)
    spaces = {
        "one": TokenVectors(matrix, np.array([True, True, False]), counts),
        "other": TokenVectors(matrix, np.array([False, True, True]), counts),
    }
    assert [vectors.usable.tolist() for vectors in alike(spaces).values()] == [[False, True, False]] * 2


def test_a_sentence_is_found_if_its_own_translation_is_nearest():
    own = np.eye(3, dtype=np.float32)
    moved = own[[0, 2, 2]]
    found = scores(moved, own, own)
    assert found["retrieval"] == [2 / 3, 1.0, 0.0, 1.0]
    assert found["cosine"] == pytest.approx([2 / 3, 1.0, 0.0, 1.0])
