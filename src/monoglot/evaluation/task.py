"""What a task is: the contract of the modules in `tasks/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError
from monoglot.evaluation.records import Columns, Split
from monoglot.evaluation.sentences import SentenceEncoder

Feature = dict[str, Any]
"""One input of a model, with what it should answer."""


class Task(Protocol):
    """Something that a model is asked to do, with data and scores of its own.

    Attributes:
        columns: The fields of an example, and the names that data sets give them.
        metric: The score that counts: it selects the epoch, on the development set.
    """

    columns: ClassVar[Columns]
    metric: ClassVar[str]


@dataclass(frozen=True)
class Prepared:
    """A split as a model takes it.

    Attributes:
        features: The inputs.
        score: Takes the model's outputs for these to scores by name.
    """

    features: list[Feature]
    score: Callable[[Any], dict[str, float]]


class TrainedTask(Task, Protocol):
    """A task that a model is fine-tuned for, with a head.

    Attributes:
        head: The class of transformers' ``Auto…`` that has the head.
        epochs: How long to train unless told otherwise.
    """

    head: ClassVar[str]
    epochs: ClassVar[int]

    def labels(self, train: Split) -> list[str]:
        """The classes, in a stable order; one for a regression."""
        ...

    def prepare(
        self, split: Split, tokenizer: PreTrainedTokenizerFast, labels: Sequence[str], longest_tokens: int
    ) -> Prepared:
        """Make inputs.

        Raises:
            CorpusError: If there is a label that the training data lack, or an example is broken.
        """
        ...


class EncoderTask(Task, Protocol):
    """A task for sentence vectors as they are."""

    def compare(self, split: Split, encoder: SentenceEncoder, original: SentenceEncoder) -> dict[str, float]:
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
    """Compute the share of predictions that are right."""
    return float((predicted == expected).mean())
