"""Finding translations by sentence vectors: precision at 1, in both directions."""

from __future__ import annotations

from typing import ClassVar

from monoglot.evaluation.labeled_data import Columns, DataSplit
from monoglot.evaluation.registry import register
from monoglot.evaluation.sentences import SentenceEncoder, precision_at_1


@register("retrieval")
class Retrieval:
    """Sentences and their English translations, as in Tatoeba and NTREX.

    A model made for one language need not know English any more; so the English sentences are also embedded
    by the original model, whose space the new one should have kept.
    """

    columns: ClassVar[Columns] = {
        "sentence": ("src", "sentence1", "source"),
        "english": ("eng", "sentence2", "target"),
    }
    metric: ClassVar[str] = "to_english"

    def compare(
        self, split: DataSplit, encoder: SentenceEncoder, original: SentenceEncoder
    ) -> dict[str, float]:
        """Precision at 1 by the model alone, and with the English side embedded by the original."""
        sentences = encoder([record["sentence"] for record in split.records])
        english_texts = [record["english"] for record in split.records]
        english = encoder(english_texts)
        scores = {
            "to_english": precision_at_1(sentences, english),
            "from_english": precision_at_1(english, sentences),
        }
        if original is not encoder and original.width == encoder.width:
            kept = original(english_texts)
            scores |= {
                "to_original_english": precision_at_1(sentences, kept),
                "from_original_english": precision_at_1(kept, sentences),
            }
        return scores | {"pairs": len(english_texts)}
