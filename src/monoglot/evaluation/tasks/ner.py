"""Named entities: BIO labels for words, scored by the F1 of whole entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from transformers import PreTrainedTokenizerFast

from monoglot.evaluation.labeled_data import Columns, DataSplit
from monoglot.evaluation.registry import register
from monoglot.evaluation.tagging import tag
from monoglot.evaluation.task import Prepared, need

OUTSIDE = "O"


@register("ner")
class NamedEntities:
    """Entities, as ``B-PER I-PER O``, also with ``E-`` and ``S-``; scored as conlleval does, by seqeval."""

    columns: ClassVar[Columns] = {"tokens": ("tokens", "words"), "labels": ("labels", "ner_tags", "tags")}
    metric: ClassVar[str] = "f1"
    head: ClassVar[str] = "AutoModelForTokenClassification"
    epochs: ClassVar[int] = 5

    def labels(self, train: DataSplit) -> list[str]:
        """``O``, beginning and inside of each type of entity, and what else occurs, such as ``S-PER``."""
        used = {label for record in train.records for label in record["labels"]}
        types = sorted({label.partition("-")[2] for label in used} - {""})
        usual = [OUTSIDE, *(f"{position}-{kind}" for kind in types for position in "BI")]
        return usual + sorted(used.difference(usual))

    def prepare(
        self, split: DataSplit, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
    ) -> Prepared:
        """Inputs, and precision, recall and F1 over entities."""
        metrics = need("seqeval.metrics", "ner")
        tagged = tag(split, tokenizer, labels, longest_tokens)
        entities = len(metrics.sequence_labeling.get_entities(tagged.words))

        def score(logits: Any) -> dict[str, float]:
            predicted = tagged.predictions(logits, labels, OUTSIDE)
            names = ("f1", "precision", "recall")
            found = {
                name: float(getattr(metrics, f"{name}_score")(tagged.words, predicted, zero_division=0))
                for name in names
            }
            return found | {"entities": entities}

        return Prepared(tagged.features, score)
