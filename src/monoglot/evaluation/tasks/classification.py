"""Classes of texts (topics, sentiment), scored by accuracy and macro F1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.evaluation.labeled_data import Columns, DataSplit
from monoglot.evaluation.registry import register
from monoglot.evaluation.task import Prepared, accuracy, index_of, need, text_features


@register("classification")
class Classification:
    """One class for a text."""

    columns: ClassVar[Columns] = {"text": ("text", "sentence", "tweet"), "label": ("label", "category")}
    metric: ClassVar[str] = "accuracy"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    epochs: ClassVar[int] = 5

    def labels(self, train: DataSplit) -> list[str]:
        """All labels that occur."""
        return sorted({str(record["label"]) for record in train.records})

    def prepare(
        self, split: DataSplit, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
    ) -> Prepared:
        """Inputs, with accuracy and macro F1."""
        metrics = need("sklearn.metrics", "classification")
        expected = np.array([
            index_of(str(record["label"]), labels, split.place(i)) for i, record in enumerate(split.records)
        ])  # fmt: skip
        fields = [name for name in self.columns if name != "label"]

        def score(logits: Any) -> dict[str, float]:
            predicted = np.asarray(logits).argmax(axis=-1)
            return {
                "accuracy": accuracy(predicted, expected),
                "macro_f1": float(metrics.f1_score(expected, predicted, average="macro", zero_division=0)),
                "examples": len(expected),
            }

        features = text_features(split, tokenizer, fields, expected.tolist(), longest_tokens)
        return Prepared(features, score)
