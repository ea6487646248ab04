"""Distillation over seeds, tasks by mode, texts in several languages: tables and texts without a model."""

import gzip
import json

import pytest

from experiments.distillation.run import by_training, distances, name_of
from experiments.forgotten.run import mixed_text
from experiments.tasks_by_mode.run import less_original
from monoglot.run.layout import LAYOUT


def test_runs_of_a_training_are_told_apart_by_seed_only():
    rows = {
        name_of("graft", tokens, seed): {"mode": "graft", "tokens": tokens, "after": seed}
        for tokens in (50_000, 250_000)
        for seed in (1, 2)
    }
    found = by_training(rows)
    assert len(rows) == 4
    assert {key: [run["after"] for run in runs] for key, runs in found.items()} == {
        ("graft", 50_000): [1, 2],
        ("graft", 250_000): [1, 2],
    }


def test_distances_are_those_of_the_first_and_last_check(tmp_path):
    file = tmp_path / LAYOUT.home / LAYOUT.metrics
    file.parent.mkdir(parents=True)
    lines = [
        {"distance_to_teacher": 0.3},
        {"loss": 2},
        {"distance_to_teacher": 0.2},
        {"distance_to_teacher": 0.1},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    assert distances(tmp_path) == (0.3, 0.1)


def test_gaps_are_between_runs_of_the_same_seed():
    rows = {"original": {"scores": [0.5, 0.9]}, "trim": {"scores": [0.49, 0.89]}}
    assert less_original(rows, "trim") == "−0.010 ± 0.000"


def test_a_tenth_of_a_mixed_text_is_in_other_languages(tmp_path):
    german = tmp_path / "german.txt"
    german.write_text("ein Satz\n" * 1_000)
    for language, line in {"en": "a line\n", "sw": "mstari\n", "ar": "سطر\n"}.items():
        (tmp_path / language).mkdir()
        with gzip.open(tmp_path / language / "corpus.txt.gz", "wt") as file:
            file.write(line * 1_000)
    mixed = mixed_text(tmp_path, german, tmp_path / "mixed.txt").read_text()
    lines = mixed.splitlines()
    assert len(mixed.encode()) == pytest.approx(german.stat().st_size, rel=0.02)
    assert lines.count("ein Satz") == pytest.approx(900, abs=1)
    sizes = [lines.count(word) * len(f"{word}\n".encode()) for word in ("a line", "mstari", "سطر")]
    assert sizes == pytest.approx([300, 300, 300], abs=10)
