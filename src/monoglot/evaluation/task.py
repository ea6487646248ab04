"""The contract of a task, and what tasks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError, SettingError
from monoglot.evaluation.labeled_data import Columns, DataSplit
from monoglot.evaluation.sentences import SentenceEncoder


def need(module: str, task: str) -> Any:
    """Import a module of a package that the base installation leaves out.

    Raises:
        SettingError: If it isn't installed.
    """
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise SettingError(
            f"the task '{task}' needs the package {package}, which is not installed: "
            "run `pip install 'monoglot[tasks]'`."
        ) from None


Feature = dict[str, Any]
"""One input of a model, with what it should answer."""


class EvaluationTask(Protocol):
    """A task with data and scores of its own.

    Attributes:
        columns: The fields of an example, and the names that data sets give them.
        metric: The score that counts: it selects the epoch, on the development set.
    """

    columns: ClassVar[Columns]
    metric: ClassVar[str]


@dataclass(frozen=True)
class Prepared:
    """A split as model inputs, with its scoring function.

    Attributes:
        features: The inputs.
        score: Takes the model's outputs for these to scores by name.
    """

    features: list[Feature]
    score: Callable[[Any], dict[str, float]]


class TrainedTask(EvaluationTask, Protocol):
    """A task that a model is fine-tuned for, with a head.

    Attributes:
        head: The class of transformers' ``Auto…`` that has the head.
        epochs: How long to train unless told otherwise.
    """

    head: ClassVar[str]
    epochs: ClassVar[int]

    def labels(self, train: DataSplit) -> list[str]:
        """The classes, in a stable order; one for a regression."""
        ...

    def prepare(
        self, split: DataSplit, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
    ) -> Prepared:
        """Make inputs.

        Raises:
            CorpusError: If there is a label that the training data lack, or an example is broken.
        """
        ...


class EncoderTask(EvaluationTask, Protocol):
    """A task for sentence vectors as they are."""

    def compare(
        self, split: DataSplit, encoder: SentenceEncoder, original: SentenceEncoder
    ) -> dict[str, float]:
        """Score vectors, by themselves and against those of the original model."""
        ...


def index_of(label: str, labels: Sequence[str], place: str) -> int:
    """Give the number of a class.

    Raises:
        CorpusError: If the training data have no such class.
    """
    try:
        return labels.index(label)
    except ValueError:
        raise CorpusError(
            f"{place} has the label '{label}', which the training data lack; they have {', '.join(labels)}."
        ) from None


def accuracy(predicted: np.ndarray, expected: np.ndarray) -> float:
    """Compute the share of correct predictions."""
    return float((predicted == expected).mean())


def text_features(
    split: DataSplit,
    tokenizer: PreTrainedTokenizerFast,
    fields: Sequence[str],
    answers: Sequence[float],
    longest_tokens: int,
) -> list[Feature]:
    """Make inputs of one or two texts; long ones are truncated.

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
