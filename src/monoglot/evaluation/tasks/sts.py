"""Similarity of sentences: Spearman's correlation with people's ratings, by cosine or after fine-tuning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError
from monoglot.evaluation.labeled_data import Columns, DataSplit
from monoglot.evaluation.registry import register
from monoglot.evaluation.sentences import SentenceEncoder, correlations
from monoglot.evaluation.task import Prepared, text_features


@register("sts")
class Similarity:
    """Two sentences and how alike they are; without training data, their vectors' cosine is rated."""

    columns: ClassVar[Columns] = {
        "first": ("s1", "sentence1"),
        "second": ("s2", "sentence2"),
        "score": ("score", "similarity_score", "label"),
    }
    metric: ClassVar[str] = "spearman"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    epochs: ClassVar[int] = 4

    def labels(self, train: DataSplit) -> list[str]:
        """One: a regression."""
        return ["score"]

    def prepare(
        self, split: DataSplit, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
    ) -> Prepared:
        """Inputs, and the correlations of the answers with the ratings."""
        ratings = _ratings(split)

        def score(answers: Any) -> dict[str, float]:
            return correlations(np.asarray(answers).reshape(-1), ratings) | {"pairs": len(ratings)}

        # A head that begins at zero would spend its training on reaching the middle of ratings up to five.
        # What it is judged by, correlations, is the same for any scale.
        targets = ((np.array(ratings) - np.mean(ratings)) / np.std(ratings)).tolist()
        features = text_features(split, tokenizer, ("first", "second"), targets, longest_tokens)
        return Prepared(features, score)

    def compare(
        self, split: DataSplit, encoder: SentenceEncoder, original: SentenceEncoder
    ) -> dict[str, float]:
        """The correlations of cosines with the ratings."""
        first, second = (encoder([record[side] for record in split.records]) for side in ("first", "second"))
        ratings = _ratings(split)
        return correlations((first * second).sum(axis=1), ratings) | {"pairs": len(ratings)}


def _ratings(split: DataSplit) -> list[float]:
    for i, record in enumerate(split.records):
        if not isinstance(record["score"], int | float) or not math.isfinite(record["score"]):
            raise CorpusError(f"{split.place(i)} has the score {record['score']!r}; expected a number.")
    ratings = [float(record["score"]) for record in split.records]
    if len(set(ratings)) < 2:
        raise CorpusError(
            f"all {len(ratings)} pairs of {split.name} are rated {ratings[0]}; expected different ratings, "
            "without which no correlation is defined."
        )
    return ratings
