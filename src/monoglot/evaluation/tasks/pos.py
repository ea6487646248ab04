"""Parts of speech: a label for each word, scored by accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.evaluation.labeled_data import Columns, DataSplit
from monoglot.evaluation.registry import register
from monoglot.evaluation.tagging import tag
from monoglot.evaluation.task import Prepared, accuracy


@register("pos")
class PartsOfSpeech:
    """A label for each word."""

    columns: ClassVar[Columns] = {
        "tokens": ("tokens", "words"),
        "labels": ("labels", "pos_tags", "upos", "tags"),
    }
    metric: ClassVar[str] = "accuracy"
    head: ClassVar[str] = "AutoModelForTokenClassification"
    epochs: ClassVar[int] = 5

    def labels(self, train: DataSplit) -> list[str]:
        """All labels that occur."""
        return sorted({label for record in train.records for label in record["labels"]})

    def prepare(
        self, split: DataSplit, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
    ) -> Prepared:
        """Inputs, and the accuracy over words; words without a token count as wrong."""
        tagged = tag(split, tokenizer, labels, longest_tokens)
        expected = np.array([label for words in tagged.words for label in words])

        def score(logits: Any) -> dict[str, float]:
            predicted = [label for words in tagged.predictions(logits, labels, "") for label in words]
            return {"accuracy": accuracy(np.array(predicted), expected), "words": len(expected)}

        return Prepared(tagged.features, score)
