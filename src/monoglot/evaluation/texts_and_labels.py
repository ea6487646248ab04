"""Inputs of one or two texts with one answer."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError
from monoglot.evaluation.records import Split
from monoglot.evaluation.task import Feature


def text_features(
    split: Split,
    tokenizer: PreTrainedTokenizerFast,
    fields: Sequence[str],
    answers: Sequence[float],
    longest_tokens: int,
) -> list[Feature]:
    """Make inputs of one or two texts; what is too long is cut.

    Raises:
        CorpusError: If a field is not text.
    """
    for i, record in enumerate(split.records):
        if wrong := [field for field in fields if not isinstance(record[field], str)]:
            raise CorpusError(f"{split.place(i)} has {record[wrong[0]]!r} as {wrong[0]}; expected text.")
    texts = [[record[field] for record in split.records] for field in fields]
    encoded = tokenizer(*texts, truncation=True, max_length=longest_tokens)
    return [
        {name: encoded[name][i] for name in encoded if name != "token_type_ids" or len(fields) > 1}
        | {"labels": answer}
        for i, answer in enumerate(answers)
    ]
