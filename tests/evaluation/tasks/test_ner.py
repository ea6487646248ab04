"""Labels of entities in the ways in which data sets mark them."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.evaluation.labeled_data import DataSplit
from monoglot.evaluation.registry import get_task

MARKED = {
    "B I": [["B-LOC", "O", "O"], ["B-PER", "I-PER", "O"]],
    "B E S": [["S-LOC", "O", "O"], ["B-PER", "E-PER", "O"]],
}


@pytest.mark.parametrize("marks", MARKED)
def test_entities_are_scored_however_they_are_marked(marks, source_tokenizers):
    words = [["Bonn", "liegt", "dort"], ["Anton", "Wilhelm", "kommt"]]
    pairs = zip(words, MARKED[marks], strict=True)
    split = DataSplit("a.conll", [{"tokens": tokens, "labels": labels} for tokens, labels in pairs])
    task = get_task("ner")
    names = task.labels(split)
    prepared = task.prepare(split, source_tokenizers["unigram"], names, 40)
    answers = [np.maximum(0, feature["labels"]) for feature in prepared.features]
    logits = np.zeros((len(answers), max(map(len, answers)), len(names)))
    for row, wanted in enumerate(answers):
        logits[row, np.arange(len(wanted)), wanted] = 1
    assert prepared.score(logits) == {"f1": 1.0, "precision": 1.0, "recall": 1.0, "entities": 2}
    wrong = prepared.score(np.roll(logits, 1, axis=0))
    assert wrong["f1"] < 1
