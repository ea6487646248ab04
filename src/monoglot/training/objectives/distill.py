"""Distillation of a sentence encoder: its vectors stay those of the original model.

The student learns to give each text the vector that the teacher gives it (Reimers & Gurevych 2020), so that
what was built on the original's vectors, such as an index of documents, goes on working. All vectors of an
encoder trained contrastively lie in a narrow cone; losses therefore look at them from the cone's middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize
from transformers import PreTrainedModel

from monoglot.errors import ModelError, SettingError, did_you_mean
from monoglot.model.pooling import Pooling, read_pooling
from monoglot.model.satellites import MODULES
from monoglot.tokenization.tokenized_corpus import TokenizedCorpus
from monoglot.training.isolation import Inputs, Isolation, find_inputs, tensors
from monoglot.training.objectives.base import Batch, Lesson, Objective, Task
from monoglot.training.objectives.clm import CAUSAL
from monoglot.training.pairs import Texts, prepare_texts
from monoglot.training.pooling import pool
from monoglot.training.registry import register
from monoglot.training.teaching import Judge, Reader, SentenceVectors, check_teacher, last_hidden
from monoglot.training.vocabulary import TokenKinds
from monoglot.training.windows import Windows

Distance = Literal["cosine", "mse"]
MIDDLE_TEXTS = 512
"""Texts whose mean vector is the middle of the cone."""


@register("distill")
@dataclass(frozen=True)
class SentenceDistillation(Objective):
    """Match the teacher's sentence vectors.

    Attributes:
        distance: ``cosine`` of centered vectors, or ``mse``, the squared distance over that of the middle.
        relational: Weight of a second term: the similarities of the texts of a batch to each other.
        prefix: Put before each text, as the model wants it; ``query: `` for E5.
        pooling: ``mean``, ``cls`` or ``lasttoken``; read from the teacher's folder if that is one of
            sentence-transformers.
        whole_lines: Share of the lines that stay whole; the others are cut into sentences.
        word_lists: Share of the texts' characters that are lists of words, which show rare tokens.
        parallel: A file of parallel text, ``text<TAB>translation``: the student's vector of the text is to
            be the teacher's of the translation.
    """

    preference = 3
    watched = "distance_to_teacher"
    distance: Distance = "cosine"
    relational: float = 0.3
    prefix: str = ""
    pooling: str = ""
    whole_lines: float = 0.15
    word_lists: float = 0.2
    parallel: str = ""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            SettingError: If a share is out of range or a name unknown.
        """
        if self.distance not in get_args(Distance):
            raise SettingError(
                f"unknown distance '{self.distance}': {did_you_mean(self.distance, get_args(Distance))}"
            )
        if self.pooling and self.pooling not in tuple(Pooling):
            raise SettingError(f"unknown pooling '{self.pooling}': {did_you_mean(self.pooling, Pooling)}")
        if not (0 <= self.whole_lines <= 1 and 0 <= self.word_lists < 1):
            raise SettingError(
                f"whole_lines {self.whole_lines} and word_lists {self.word_lists} are shares: give 0 … 1"
            )
        if self.relational < 0:
            raise SettingError(f"relational {self.relational} is a weight: give 0 or more")

    def misfit(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs an encoder and its original."""
        if model.config.is_encoder_decoder or type(model).__name__ in CAUSAL:
            return f"needs an encoder, and {type(model).__name__} is none"
        return None if has_teacher else "needs a teacher: name the original model with --teacher"

    def prepare(self, lesson: Lesson) -> None:
        """Cut the texts and write them as tokens of both models.

        Raises:
            ModelError: If there is no teacher, or it does not fit.
            CorpusError: If the parallel text can't be read.
        """
        self._pooling_of(lesson)
        prepare_texts(
            lesson,
            check_teacher(lesson.teacher, lesson.model).tokenizer,
            self._folder(lesson),
            prefix=self.prefix,
            whole_lines=self.whole_lines,
            word_lists=self.word_lists,
            parallel=Path(self.parallel) if self.parallel else None,
        )

    def task(self, lesson: Lesson) -> Task:
        """Find out how the model takes packed texts.

        Raises:
            ModelError: If there is no teacher, it does not fit, or texts can't be kept apart.
        """
        teacher, pooling = check_teacher(lesson.teacher, lesson.model), self._pooling_of(lesson)
        inputs = find_inputs(lesson.model, TokenKinds.of(lesson.tokenizer).probe)
        if inputs.isolation is Isolation.NONE:
            raise ModelError(
                f"{type(lesson.model).__name__} can't keep the texts of a window apart, so that their "
                "vectors would mix; expected a model that takes a mask from every token to every token"
            )
        texts = Texts.open(self._folder(lesson))
        reader = Reader.of(teacher.model, teacher.tokenizer, texts.teacher)
        file = lesson.cache / f"vectors-{pooling}-{teacher.key[:16]}-{texts.key[:16]}.npy"
        vectors = SentenceVectors(reader, pooling, file)
        judge = Judge(teacher, lesson.tokenizer, pooling, self.prefix)
        return SentenceTask(self, inputs, pooling, texts.student, vectors, judge)

    def _folder(self, lesson: Lesson) -> Path:
        return lesson.cache / "texts"

    def _pooling_of(self, lesson: Lesson) -> Pooling:
        if self.pooling:
            return Pooling(self.pooling)
        teacher = check_teacher(lesson.teacher, lesson.model)
        inner = Path(str(teacher.model.name_or_path))
        home = next((place for place in (inner, inner.parent) if (place / MODULES).is_file()), None)
        if home is None:
            raise ModelError(
                "the teacher's folder has no sentence-transformers modules that tell how its sentence "
                "vectors are made: give the option pooling, such as mean"
            )
        return read_pooling(home)


class SentenceTask(Task):
    """Sentence distillation of one model."""

    whole_documents = True
    uses_dropout = False

    def __init__(
        self,
        objective: SentenceDistillation,
        inputs: Inputs,
        pooling: Pooling,
        corpus: TokenizedCorpus,
        vectors: SentenceVectors,
        judge: Judge,
    ) -> None:
        self.objective, self.inputs, self.pooling = objective, inputs, pooling
        self.corpus = self.texts = corpus
        self.vectors, self.judge = vectors, judge

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
        return tensors(windows) | {
            "documents": torch.from_numpy(windows.documents),
            "complete": torch.from_numpy(held == lengths),
        }

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """The mean distance of the texts' vectors, and of their similarities."""
        pieces, positions, complete = batch["pieces"], batch["positions"], batch["complete"]
        hidden = last_hidden(model, self.inputs(batch["ids"], pieces, positions))
        student = pool(hidden, pieces, positions, self.pooling, count=len(complete))[complete]
        teacher = self.vectors(batch["documents"][complete].cpu().numpy(), hidden.device)
        middle = self.middle.to(hidden.device)
        loss = distance(student - middle, teacher - middle, self.objective.distance)
        if self.objective.relational and len(student) > 1:
            loss = loss + self.objective.relational * relational(student - middle, teacher - middle)
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
    return (student - teacher).square().sum(dim=-1).mean() / teacher.square().sum(dim=-1).mean()


def relational(student: Float[Tensor, "texts dim"], teacher: Float[Tensor, "texts dim"]) -> Float[Tensor, ""]:
    """Compute how far the similarities of texts to each other are off, in units of their variance."""
    found, wanted = (normalize(x, dim=-1) @ normalize(x, dim=-1).T for x in (student, teacher))
    pairs = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    return (found - wanted)[pairs].square().mean() / wanted[pairs].var(correction=0).clamp(min=1e-6)
