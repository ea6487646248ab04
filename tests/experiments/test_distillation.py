"""Distillation over seeds, tasks by mode, texts in several languages: tables and texts without a model."""

import gzip

import pytest

from experiments.distillation.run import figures, name_of
from experiments.forgotten.run import mixed_text
from experiments.tasks_by_mode.run import less_original


def test_distances_stand_for_cosines_and_each_seed_counts():
    row = {"scores": [{"cosine": 0.99, "tatoeba": 0.7}, {"cosine": 0.98, "tatoeba": 0.8}]}
    assert figures(row, "cosine") == pytest.approx([0.01, 0.02])
    assert figures(row, "tatoeba") == [0.7, 0.8]


def test_a_row_names_its_training():
    assert [name_of("trim", 0), name_of("replace", 250_000)] == ["trim", "replace, 250,000 tokens"]


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
