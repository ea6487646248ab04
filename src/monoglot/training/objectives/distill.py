"""Distillation of a sentence encoder: its vectors stay those of the original model.

The student learns to give each text the vector that the teacher gives it (Reimers & Gurevych 2020), so that
what was built on the original's vectors, such as an index of documents, goes on working. All vectors of an
encoder trained contrastively lie in a narrow cone; losses therefore look at them from the cone's middle.
The hidden states that vectors are made of are matched too (Dobler et al. 2025): they tell which words of a
text the student has wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Bool
from transformers import PreTrainedModel

from monoglot.errors import ModelError, SettingError, did_you_mean
from monoglot.model.pooling import Pooling, read_pooling
from monoglot.model.side_files import MODULES
from monoglot.training.composition import Composition
from monoglot.training.isolation import Isolation, find_inputs
from monoglot.training.objectives.base import Lesson, Objective, Task
from monoglot.training.objectives.clm import CAUSAL
from monoglot.training.pairs import Texts, prepare_texts
from monoglot.training.registry import register
from monoglot.training.sentence_task import Distance, SentenceTask, Terms
from monoglot.training.settings import Recipe
from monoglot.training.stretches import Stretches
from monoglot.training.teaching import Judge, Reader, SentenceVectors, check_teacher
from monoglot.training.vocabulary import TokenKinds

NEW_ROWS_RATE = 2e-3


@register("distill")
@dataclass(frozen=True)
class SentenceDistillation(Objective):
    """Match the teacher's sentence vectors.

    Attributes:
        distance: ``cosine`` of centered vectors, or ``mse``, the squared distance over that of the middle.
        relational: Weight of a second term: the similarities of the texts of a batch to each other.
        hidden: Weight of a third: the last hidden states, wherever both tokenizations have a boundary in
            common. With 0 the teacher need not read a text again that it has read.
        prefix: Put before each text, as the model wants it; ``query: `` for E5.
        pooling: ``mean``, ``cls`` or ``lasttoken``; read from the teacher's folder if that is one of
            sentence-transformers.
        whole_lines: Share of the lines that stay whole; the others are cut into sentences.
        word_lists: Share of the texts' characters that are lists of words, which show rare tokens.
        composed: Whether new tokens learn in common how their embeddings follow from those of their pieces
            (see `Composition`), if the model is one that `specialize` made.
        parallel: A file of parallel text, ``text<TAB>translation``: the student's vector of the text is to
            be the teacher's of the translation.
    """

    preference = 3
    watched = "distance_to_teacher"
    distance: Distance = "cosine"
    relational: float = 0.3
    hidden: float = 1.0
    prefix: str = ""
    pooling: str = ""
    whole_lines: float = 0.5
    word_lists: float = 0.1
    composed: bool = True
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
        for name, weight in (("relational", self.relational), ("hidden", self.hidden)):
            if weight < 0:
                raise SettingError(f"{name} {weight} is a weight: give 0 or more")

    def misfit(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs an encoder and its original."""
        if model.config.is_encoder_decoder or type(model).__name__ in CAUSAL:
            return f"needs an encoder, and {type(model).__name__} is none"
        return None if has_teacher else "needs a teacher: name the original model with --teacher"

    def recipe(self, *, copies_known: bool) -> Recipe:
        """Small steps, rates that fall to zero, and what was copied stays as it is where that is known.

        A high rate takes from copied rows what makes them good before it gives anything back; new rows gain
        by it.
        """
        if copies_known:
            return Recipe(1024, 1e-4, NEW_ROWS_RATE, "linear", "keep-copied")
        return Recipe(1024, 1e-4, 2e-4, "linear")

    def composition(self, lesson: Lesson, new_rows: Bool[np.ndarray, " rows"]) -> Composition | None:
        """How new rows follow from those of their pieces."""
        if not self.composed:
            return None
        teacher = check_teacher(lesson.teacher, lesson.model)
        return Composition.of(lesson.model, lesson.tokenizer, teacher.model, teacher.tokenizer, new_rows)

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
        inputs = find_inputs(lesson.model, TokenKinds.of(lesson.tokenizer).probe, bf16=lesson.bf16)
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
        stretches = Stretches.of(
            texts.student, reader, (lesson.tokenizer, teacher.tokenizer), causal=False, same=texts.same
        )
        terms = Terms(self.distance, self.relational, self.hidden)
        return SentenceTask(terms, inputs, pooling, texts.student, vectors, judge, stretches)

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
