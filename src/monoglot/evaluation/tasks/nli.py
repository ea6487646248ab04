"""Natural-language inference: whether one sentence follows from another."""

from __future__ import annotations

from typing import ClassVar

from monoglot.evaluation.labeled_data import Columns
from monoglot.evaluation.registry import register
from monoglot.evaluation.tasks.classification import Classification


@register("nli")
class Inference(Classification):
    """Premise and hypothesis: entailment, neutral or contradiction."""

    columns: ClassVar[Columns] = {
        "premise": ("premise", "sentence1", "s1"),
        "hypothesis": ("hypothesis", "sentence2", "s2"),
        "label": ("label", "gold_label"),
    }
    epochs: ClassVar[int] = 4
