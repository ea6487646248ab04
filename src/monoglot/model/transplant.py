"""A new model with another vocabulary: every table from one mixture, everything else as it was."""

from __future__ import annotations

import copy

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.maths.mixture import Mixture
from monoglot.model.surgery import plan


def transplant(
    model: PreTrainedModel,
    mixture: Mixture,
    tokenizer: PreTrainedTokenizerFast,
    *,
    source_tokenizer: PreTrainedTokenizerFast,
    pad_to_multiple_of: int = 1,
) -> PreTrainedModel:
    """Build a model of the same class whose vocabulary is the target tokenizer's.

    Embeddings, output head and output bias get their rows from the same mixture; ties, dtypes, task heads,
    frozen parameters and train or eval mode stay; ids in the configurations follow their tokens.

    Args:
        model: The source model; it is not changed.
        mixture: What each target row is made of.
        tokenizer: The target tokenizer.
        source_tokenizer: The source model's own tokenizer.
        pad_to_multiple_of: Add unused rows up to a multiple of this number.

    Returns:
        A new model that shares no memory with the source.

    Raises:
        ModelError: If tokenizers, mixture and model don't fit each other, a table holds NaN or infinity, or
            the model has vocabulary-sized parameters of an unknown kind.
    """
    surgery = plan(model, mixture, tokenizer, source_tokenizer, pad_to_multiple_of)
    # deepcopy takes whatever is in the memo instead of copying it: no vocabulary table is ever copied.
    changed: PreTrainedModel = copy.deepcopy(model, {**surgery.new_settings, **surgery.new_tensors(model)})
    surgery.finish(changed)
    return changed
