"""The contract of a training objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Bool
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.options import check_types
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.composition import Composition
from monoglot.training.packing import Windows
from monoglot.training.schedule import TOKENS_PER_NEW_ROW, Recipe

Batch = dict[str, Tensor]
"""What the model learns from in one step, as tensors of any shapes."""


@dataclass(frozen=True)
class Teacher:
    """A model to match.

    Attributes:
        model: The teacher, in evaluation mode.
        tokenizer: Its tokenizer.
        key: Content hash of its files, by which what it computed is found again.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    key: str


@dataclass(frozen=True)
class TrainingContext:
    """Everything that an objective may use when it is prepared.

    Attributes:
        model: The model to train, with weights in float32. An objective must not keep another reference to
            it: `Task.loss` is given the one to use.
        tokenizer: Its tokenizer.
        corpus: The training lines as its tokens.
        lines: The training lines as text, in the order of the corpus; may be read several times, but only in
            `Objective.prepare`.
        seed: Seed of everything that is drawn.
        cache: A folder in which the objective may keep what it computes once; it survives an interruption.
            All processes of a run see it, and `Objective.prepare` has been called by one before the others.
        teacher: The model to match, if one is known.
        progress: Where to show how far it is.
        bf16: Whether matrix products will be computed in bf16.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    corpus: TokenizedCorpus
    lines: Callable[[], Iterable[str]]
    seed: int
    cache: Path
    teacher: Teacher | None = None
    progress: Progress = SILENT
    bf16: bool = False


class Task(ABC):
    """An objective prepared for one model and corpus."""

    whole_documents: ClassVar[bool] = False
    """Whether each line of the corpus must be in one window (cut at its end if it is too long)."""

    cut_count_nothing: ClassVar[bool] = False
    """Whether lines that are longer than a window are left out of the loss."""

    uses_dropout: ClassVar[bool] = True
    """Whether the model drops units while it learns, as its configuration says."""

    ends_documents: bool = False
    """Whether each document ends with the token that ends texts, so that the model learns where to stop."""

    needs_bf16: bool = False
    """Whether the model can be run with matrix products in bf16 only, as with FlashAttention."""

    warnings: tuple[str, ...] = ()
    """What the user should know of how the model will be trained, a sentence each."""

    corpus: TokenizedCorpus | None = None
    """What is packed into windows in place of the training corpus: texts that the objective made itself."""

    @abstractmethod
    def collate(self, windows: Windows) -> Batch:
        """Make a batch of packed windows: a pure function, run on the CPU."""

    @abstractmethod
    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """Compute the mean loss of a batch, a scalar.

        It is called inside the forward pass of the module that is wrapped for several processes, so that it
        may use any part of the model. The mean must weigh each window alike where it can, for batches that
        are spread over processes are averaged.
        """

    def score(self, model: PreTrainedModel, lines: Sequence[str]) -> dict[str, float]:
        """Compute held-out figures of the objective's own; bits per byte are measured elsewhere.

        Args:
            model: The model as it is at the moment, in evaluation mode; called without gradients.
            lines: Held-out lines.
        """
        return {}

    def describe(self) -> dict[str, object]:
        """Describe what was found out about the model, as plain values for the record."""
        return {}


@dataclass(frozen=True)
class Objective(ABC):
    """A training objective; its fields are its settings, with defaults."""

    preference: ClassVar[int | None] = None
    """Rank among the objectives that fit a model; the lowest is taken. ``None``: only when asked for."""
    watched: ClassVar[str] = "bits_per_byte"
    """The held-out figure that early stopping watches; lower is better."""
    version: ClassVar[int] = 1
    """Raised where what is trained comes to have another shape: an older training can't resume then."""
    tokens_per_new_row: ClassVar[int] = TOKENS_PER_NEW_ROW
    """Tokens of text that are trained on for each new embedding, unless the user says how many."""
    needs_teacher: ClassVar[bool] = False
    """Whether there has to be another model to match."""

    def __post_init__(self) -> None:
        """Refuse values of another type than their field's, and numbers out of bounds.

        Raises:
            SettingError: If there is one.
        """
        check_types(self, type(self).__name__)

    @property
    def files(self) -> Mapping[str, str]:
        """The paths of the files that it reads, by what they are; a run knows them by their content."""
        return {}

    def check(self) -> None:  # noqa: B027 - most objectives read no file
        """Refuse files that can't be read, before any long work.

        Raises:
            InputError: If there is one.
        """

    @abstractmethod
    def why_unsuitable(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """Give the reason why it does not suit a model, as the end of a sentence; ``None`` if it does.

        ``None`` if it can. Looks at the model's class and configuration only: the model may lie on the meta
        device, without weights.
        """

    def recipe(self, *, new_share: float | None) -> Recipe:
        """Give the defaults of the training for this objective.

        Args:
            new_share: Share of the vocabulary's rows that are new; ``None`` if it is not known, or if the
                schedule that the user asks for makes no difference between new rows and copies.
        """
        return Recipe()

    def composition(
        self, context: TrainingContext, new_rows: Bool[np.ndarray, " rows"]
    ) -> Composition | None:
        """Give the composition that new rows share, if the objective uses one.

        Args:
            context: With the model as it is before any training.
            new_rows: Which rows of the vocabulary's tables were not copied.
        """
        return None

    def prepare(self, context: TrainingContext) -> None:  # noqa: B027 - most objectives have nothing to prepare
        """Compute and cache what takes long, such as a teacher's vectors; may find it done."""

    @abstractmethod
    def task(self, context: TrainingContext) -> Task:
        """Prepare for a model and a corpus."""
