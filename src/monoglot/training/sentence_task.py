"""What a sentence encoder learns from its original: vectors of texts, and the states behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize
from transformers import PreTrainedModel

from monoglot.model.pooling import Pooling
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.isolation import Inputs, tensors
from monoglot.training.objectives.base import Batch, Task
from monoglot.training.pooling import pool
from monoglot.training.stretches import Stretches
from monoglot.training.teaching import Judge, SentenceVectors, last_hidden, pool_rows
from monoglot.training.windows import Windows

Distance = Literal["cosine", "mse"]
MIDDLE_TEXTS = 512
"""Texts whose mean vector is the middle of the cone."""
LEAST_VARIANCE = 1e-6


@dataclass(frozen=True)
class Terms:
    """What the loss is the sum of.

    Attributes:
        distance: How vectors are compared.
        relational: Weight of the similarities of texts.
        hidden: Weight of the hidden states.
    """

    distance: Distance
    relational: float
    hidden: float


class SentenceTask(Task):
    """Sentence distillation of one model."""

    whole_documents = True
    cut_count_nothing = True
    uses_dropout = False

    def __init__(
        self,
        terms: Terms,
        inputs: Inputs,
        pooling: Pooling,
        corpus: TokenizedCorpus,
        vectors: SentenceVectors,
        judge: Judge,
        stretches: Stretches,
    ) -> None:
        self.terms, self.inputs, self.pooling = terms, inputs, pooling
        self.needs_bf16 = inputs.needs_bf16
        self.warnings = (inputs.warning,) if inputs.warning else ()
        self.corpus = self.texts = corpus
        self.vectors, self.judge, self.stretches = vectors, judge, stretches

    @cached_property
    def middle(self) -> Float32[Tensor, " dim"]:
        """The mean of the teacher's vectors."""
        places = np.linspace(0, self.texts.lines - 1, min(MIDDLE_TEXTS, self.texts.lines))
        return self.vectors(np.unique(places.astype(np.int64)), torch.device("cpu")).mean(dim=0)

    def collate(self, windows: Windows) -> Batch:
        """The windows, and which texts are in them; those that were cut are marked."""
        offsets = self.texts.offsets
        lengths = offsets[windows.documents + 1] - offsets[windows.documents]
        held = np.bincount(windows.pieces[windows.is_text], minlength=len(lengths))
        complete = held == lengths
        batch = tensors(windows) | {
            "documents": torch.from_numpy(windows.documents),
            "complete": torch.from_numpy(complete),
        }
        return batch | self.stretches.collate(windows, complete) if self.terms.hidden else batch

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """The mean distance of the texts' vectors, of their similarities, and of hidden states."""
        pieces, positions, complete = batch["pieces"], batch["positions"], batch["complete"]
        hidden = last_hidden(model, self.inputs(batch["ids"], pieces, positions))
        hidden = self.inputs.by_window(hidden, batch["ids"])
        if not complete.any():  # the mean of nothing is no number
            return 0.0 * hidden.sum()
        student = pool(hidden, pieces, positions, self.pooling, count=len(complete))[complete]
        documents = batch["documents"].cpu().numpy()
        if not self.terms.hidden:
            return self._of_vectors(student, self.vectors(documents[complete.cpu().numpy()], hidden.device))
        states = list(self.stretches.reader.hidden(documents, hidden.device))
        vectors = torch.zeros(len(documents), hidden.shape[-1], dtype=torch.float32, device=hidden.device)
        for places, rows, mask in states:
            vectors[torch.from_numpy(places)] = pool_rows(rows, mask, self.pooling)
        loss = self._of_vectors(student, vectors[complete])
        found = self.stretches.student(hidden, batch)
        if len(found) < 2:  # no variance to measure by
            return loss
        wanted = self.stretches.teacher(iter(states), batch, found)
        return loss + self.terms.hidden * unexplained(found, wanted)

    def _of_vectors(self, student: Float[Tensor, "texts dim"], teacher: Float[Tensor, "texts dim"]) -> Tensor:
        middle = self.middle.to(student.device)
        loss = distance(student - middle, teacher - middle, self.terms.distance)
        if self.terms.relational and len(student) > 1:
            loss = loss + self.terms.relational * relational(student - middle, teacher - middle)
        return loss

    def score(self, model: PreTrainedModel, lines: Sequence[str]) -> dict[str, float]:
        """How far the vectors of held-out lines are from the teacher's: 1 minus the mean cosine."""
        return {"distance_to_teacher": self.judge.distance(model, lines)}

    def describe(self) -> dict[str, object]:
        """How texts are kept apart and pooled."""
        return {"documents_apart_by": self.inputs.isolation.value, "pooling": self.pooling.value}


def distance(
    student: Float[Tensor, "texts dim"], teacher: Float[Tensor, "texts dim"], kind: Distance
) -> Float[Tensor, ""]:
    """Compute the mean distance of vectors, seen from the middle: 0 if they are equal, 1 if unrelated."""
    if kind == "cosine":
        return 1 - cosine_similarity(student, teacher).mean()
    size = teacher.square().sum(dim=-1).mean()
    return (student - teacher).square().sum(dim=-1).mean() / size.clamp(min=LEAST_VARIANCE)


def relational(student: Float[Tensor, "texts dim"], teacher: Float[Tensor, "texts dim"]) -> Float[Tensor, ""]:
    """Compute how far the similarities of texts to each other are off, in units of their variance."""
    found, wanted = (normalize(x, dim=-1) @ normalize(x, dim=-1).T for x in (student, teacher))
    pairs = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    return (found - wanted)[pairs].square().mean() / wanted[pairs].var(correction=0).clamp(min=LEAST_VARIANCE)


def unexplained(
    student: Float[Tensor, "states dim"], teacher: Float[Tensor, "states dim"]
) -> Float[Tensor, ""]:
    """Compute the mean squared difference of states, in units of the teacher's variance."""
    variance = teacher.var(dim=0, correction=0).mean().clamp(min=LEAST_VARIANCE)
    return (student - teacher).square().mean() / variance
