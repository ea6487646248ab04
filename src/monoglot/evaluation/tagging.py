"""Labels for the words of a sentence: from words to tokens, and back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError
from monoglot.evaluation.labeled_data import DataSplit
from monoglot.evaluation.task import Feature, index_of
from monoglot.evaluation.token_scores import character_kinds

IGNORED = -100
"""What torch's cross entropy passes over."""
RARE = 0.01
"""Up to this share of words may have labels that the training data lack: small treebanks are like that."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaggedSplit:
    """Sentences as model inputs; the first token of a word carries its label.

    Attributes:
        features: The inputs.
        first_tokens: The place of the first token of each word of each sentence; -1 if it has none, because
            the sentence was cut or the tokenizer passes the word over.
        words: The labels of each sentence's words.
    """

    features: list[Feature]
    first_tokens: list[Int64[np.ndarray, " words"]]
    words: list[list[str]]

    def predictions(
        self, logits: Float32[np.ndarray, "sentences tokens labels"], labels: Sequence[str], default: str
    ) -> list[list[str]]:
        """The likeliest label of each word; the default for words without a token."""
        best = logits.argmax(axis=-1)
        return [
            [labels[row[place]] if place >= 0 else default for place in places]
            for row, places in zip(best, self.first_tokens, strict=True)
        ]


def tag(
    split: DataSplit, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
) -> TaggedSplit:
    """Make inputs of sentences whose words have labels.

    Words are joined to a text first, so that every tokenizer cuts them as it cuts any text.

    Raises:
        CorpusError: If a sentence has more words than labels, or more than one word in a hundred has a label
            that the training data lack; fewer are told, and count as wrong.
    """
    for i, record in enumerate(split.records):
        if len(record["tokens"]) != len(record["labels"]):
            raise CorpusError(
                f"{split.place(i)} has {len(record['tokens'])} tokens and {len(record['labels'])} labels; "
                "expected equal numbers."
            )
    _check_labels(split, labels)
    number = {label: index for index, label in enumerate(labels)}
    joined = [_joined(record["tokens"]) for record in split.records]
    encoded = tokenizer(
        [text for text, _ in joined],
        truncation=True,
        max_length=longest_tokens,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )
    features, first_tokens = [], []
    for i, (record, (_, ends)) in enumerate(zip(split.records, joined, strict=True)):
        offsets = np.array(encoded["offset_mapping"][i]).reshape(-1, 2)
        text_tokens = np.flatnonzero(np.array(encoded["special_tokens_mask"][i]) == 0)
        places = _first_tokens(offsets[text_tokens], ends)
        places[places >= 0] = text_tokens[places[places >= 0]]
        wanted = np.full(len(offsets), IGNORED)
        for place, label in zip(places, record["labels"], strict=True):
            if place >= 0:
                wanted[place] = number.get(label, IGNORED)
        features.append({
            "input_ids": encoded["input_ids"][i],
            "attention_mask": encoded["attention_mask"][i],
            "labels": wanted.tolist(),
        })  # fmt: skip
        first_tokens.append(places)
    return TaggedSplit(features, first_tokens, [record["labels"] for record in split.records])


def _check_labels(split: DataSplit, labels: Sequence[str]) -> None:
    """Refuse data with many unknown labels, and log a few."""
    known = set(labels)
    unknown = [
        (i, label)
        for i, record in enumerate(split.records)
        for label in record["labels"]
        if label not in known
    ]
    if not unknown:
        return
    words = sum(len(record["labels"]) for record in split.records)
    if len(unknown) > RARE * words:
        first, label = unknown[0]
        index_of(label, labels, split.place(first))
    logger.warning(
        "%d of %d words of %s have labels that the training data lack (%s); they count as wrong.",
        len(unknown), words, split.name, ", ".join(sorted({label for _, label in unknown})),
    )  # fmt: skip


def _joined(words: Sequence[str]) -> tuple[str, Int64[np.ndarray, " words"]]:
    """The text of some words, and where each ends; no spaces in scripts that don't use them."""
    text = ""
    ends = []
    for word in words:
        text += ("" if not text or _touch(text[-1], word[0]) else " ") + word
        ends.append(len(text))
    return text, np.array(ends)


def _touch(left: str, right: str) -> bool:
    return bool(character_kinds(left + right)[1].all())


def _first_tokens(
    offsets: Int64[np.ndarray, "tokens 2"], ends: Int64[np.ndarray, " words"]
) -> Int64[np.ndarray, " words"]:
    """The first token that ends within each word, -1 if none does."""
    solid = np.flatnonzero(offsets[:, 1] > offsets[:, 0])
    word_of = np.searchsorted(ends, offsets[solid, 1])  # a token belongs where its last character does
    words, first = np.unique(word_of, return_index=True)
    places = np.full(len(ends), -1)
    inside = words < len(ends)
    places[words[inside]] = solid[first[inside]]
    return places
