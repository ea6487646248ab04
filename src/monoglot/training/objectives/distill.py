"""Distillation of a sentence encoder: its vectors stay those of the original model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from cyclopts.validators import Number
from jaxtyping import Bool, Float, Float32
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize
from transformers import PreTrainedModel

from monoglot.corpus.text_pairs import check_pairs
from monoglot.errors import ModelError
from monoglot.model.hidden_states import last_hidden_states
from monoglot.model.pooling import Pooling, pool_rows, pool_segments, read_pooling
from monoglot.model.side_files import MODULES
from monoglot.options import InputFile, Share, Weight
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.training.aligned_spans import AlignedSpans
from monoglot.training.composition import Composition
from monoglot.training.distillation_texts import Texts, prepare_texts
from monoglot.training.isolation import Inputs, Isolation, find_inputs, tensors
from monoglot.training.masking import TokenKinds
from monoglot.training.objective import Batch, Objective, Task, TrainingContext
from monoglot.training.objectives.clm import CAUSAL
from monoglot.training.packing import Windows
from monoglot.training.registry import register
from monoglot.training.schedule import SENTENCE_TOKENS_PER_NEW_ROW, Recipe
from monoglot.training.teacher import DistanceEvaluator, Reader, SentenceVectors, check_teacher

Distance = Literal["cosine", "mse"]
MEAN_VECTOR_TEXTS = 512
"""Texts whose mean vector is taken off all vectors."""
LEAST_VARIANCE = 1e-6


@dataclass(frozen=True)
class Terms:
    """Weights of the terms of the loss.

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
        evaluator: DistanceEvaluator,
        spans: AlignedSpans,
    ) -> None:
        self.terms, self.inputs, self.pooling = terms, inputs, pooling
        self.needs_bf16 = inputs.needs_bf16
        self.warnings = (inputs.warning,) if inputs.warning else ()
        self.corpus = self.texts = corpus
        self.vectors, self.evaluator, self.spans = vectors, evaluator, spans

    @cached_property
    def mean_vector(self) -> Float32[Tensor, " dim"]:
        """Mean of the teacher's vectors."""
        places = np.linspace(0, self.texts.lines - 1, min(MEAN_VECTOR_TEXTS, self.texts.lines))
        return self.vectors(np.unique(places.astype(np.int64)), torch.device("cpu")).mean(dim=0)

    def collate(self, windows: Windows) -> Batch:
        """The windows, and which texts are in them; those that were cut are marked."""
        offsets = self.texts.offsets
        lengths = offsets[windows.documents + 1] - offsets[windows.documents]
        held = np.bincount(windows.segments[windows.is_text], minlength=len(lengths))
        complete = held == lengths
        batch = tensors(windows) | {
            "documents": torch.from_numpy(windows.documents),
            "complete": torch.from_numpy(complete),
        }
        return batch | self.spans.collate(windows, complete) if self.terms.hidden else batch

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """The mean distance of the texts' vectors, of their similarities, and of hidden states."""
        segments, positions, complete = batch["segments"], batch["positions"], batch["complete"]
        hidden = last_hidden_states(model, self.inputs(batch["ids"], segments, positions))
        hidden = self.inputs.by_window(hidden, batch["ids"])
        if not complete.any():  # the mean of nothing is no number
            return 0.0 * hidden.sum()
        student = pool_segments(hidden, segments, positions, self.pooling, count=len(complete))[complete]
        documents = batch["documents"].cpu().numpy()
        if not self.terms.hidden:
            return self._of_vectors(student, self.vectors(documents[complete.cpu().numpy()], hidden.device))
        states = list(self.spans.reader.hidden(documents, hidden.device))
        vectors = torch.zeros(len(documents), hidden.shape[-1], dtype=torch.float32, device=hidden.device)
        for places, rows, mask in states:
            vectors[torch.from_numpy(places)] = pool_rows(rows, mask, self.pooling)
        loss = self._of_vectors(student, vectors[complete])
        found = self.spans.student(hidden, batch)
        if len(found) < 2:  # no variance to measure by
            return loss
        wanted = self.spans.teacher(iter(states), batch, found)
        return loss + self.terms.hidden * unexplained(found, wanted)

    def _of_vectors(self, student: Float[Tensor, "texts dim"], teacher: Float[Tensor, "texts dim"]) -> Tensor:
        mean_vector = self.mean_vector.to(student.device)
        loss = distance(student - mean_vector, teacher - mean_vector, self.terms.distance)
        if self.terms.relational and len(student) > 1:
            loss = loss + self.terms.relational * relational(student - mean_vector, teacher - mean_vector)
        return loss

    def score(self, model: PreTrainedModel, lines: Sequence[str]) -> dict[str, float]:
        """How far the vectors of held-out lines are from the teacher's: 1 minus the mean cosine."""
        return {"distance_to_teacher": self.evaluator.distance(model, lines)}

    def describe(self) -> dict[str, object]:
        """How texts are kept apart and pooled."""
        return {"documents_apart_by": self.inputs.isolation.value, "pooling": self.pooling.value}


def distance(
    student: Float[Tensor, "texts dim"], teacher: Float[Tensor, "texts dim"], kind: Distance
) -> Float[Tensor, ""]:
    """Compute the mean distance of centered vectors: 0 if equal, 1 if unrelated."""
    if kind == "cosine":
        return 1 - cosine_similarity(student, teacher).mean()
    size = teacher.square().sum(dim=-1).mean()
    return (student - teacher).square().sum(dim=-1).mean() / size.clamp(min=LEAST_VARIANCE)


def relational(student: Float[Tensor, "texts dim"], teacher: Float[Tensor, "texts dim"]) -> Float[Tensor, ""]:
    """Compute how far pairwise similarities are off, relative to their variance."""
    found, wanted = (normalize(x, dim=-1) @ normalize(x, dim=-1).T for x in (student, teacher))
    pairs = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    return (found - wanted)[pairs].square().mean() / wanted[pairs].var(correction=0).clamp(min=LEAST_VARIANCE)


def unexplained(
    student: Float[Tensor, "states dim"], teacher: Float[Tensor, "states dim"]
) -> Float[Tensor, ""]:
    """Compute the mean squared difference of states, relative to the teacher's variance."""
    variance = teacher.var(dim=0, correction=0).mean().clamp(min=LEAST_VARIANCE)
    return (student - teacher).square().mean() / variance


RATE, LOW_RATE = 1e-4, 3e-5
"""Learning rates of the body."""
NEW_ROWS_RATE = 2e-3
FEW_NEW_ROWS = 0.2
"""Up to this share of the vocabulary, new rows are trained alone (docs/distillation.md)."""
MANY_NEW_ROWS = 0.5
"""Up to this share, the body is trained at the low rate."""


@register("distill")
@dataclass(frozen=True)
class SentenceDistillation(Objective):
    """Match the teacher's sentence vectors.

    Attributes:
        distance: ``cosine`` of centered vectors, or ``mse``, the squared distance over that of the mean.
        relational: Weight of a second term: the similarities of the texts of a batch to each other.
        hidden: Weight of a third: the last hidden states, wherever both tokenizations have a boundary in
            common. With 0 the teacher need not read a text again that it has read.
        prefix: Put before each text, as the model wants it; ``query: `` for E5.
        pooling: ``mean``, ``cls`` or ``lasttoken``; read from the teacher's folder if that is one of
            sentence-transformers.
        whole_lines: Share of the lines that stay whole; the others are split into sentences.
        word_lists: Share of the texts' characters that are lists of words, which show rare tokens.
        composed: Whether new tokens learn in common how their embeddings follow from those of their pieces
            (see `Composition`), if the model is one that `specialize` made.
        parallel: A file of parallel text, ``text<TAB>translation``: the student's vector of the text is to
            be the teacher's of the translation.
    """

    preference = 3
    needs_teacher = True
    watched = "distance_to_teacher"
    tokens_per_new_row = SENTENCE_TOKENS_PER_NEW_ROW
    version = 2
    distance: Distance = "cosine"
    relational: Weight = 0.3
    hidden: Weight = 1.0
    prefix: str = ""
    pooling: Literal["", "mean", "cls", "lasttoken"] = ""
    whole_lines: Share = 0.5
    word_lists: Annotated[float, Number(gte=0, lt=1)] = 0.1
    composed: bool = True
    parallel: InputFile = ""

    @property
    def files(self) -> Mapping[str, str]:
        """The parallel text, if there is one."""
        return {"parallel": self.parallel} if self.parallel else {}

    def check(self) -> None:
        """Refuse a parallel text that can't be read or has broken lines.

        Raises:
            SettingError: If it is so.
        """
        if self.parallel:
            check_pairs(Path(self.parallel))

    def why_unsuitable(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs an encoder and its original."""
        if model.config.is_encoder_decoder or type(model).__name__ in CAUSAL:
            return f"needs an encoder, and {type(model).__name__} is none"
        return None if has_teacher else "needs a teacher: name the original model with --teacher"

    def recipe(self, *, new_share: float | None) -> Recipe:
        """Small steps, rates that fall to zero, and what was copied stays as it is where that is known.

        A high rate takes from copied rows what makes them good before it gives anything back; new rows gain
        by it. The same is true of the body as long as few rows are new: it pays where many have to learn, at
        a low rate where most rows are copied.
        """
        if new_share is None:
            return Recipe(1024, RATE, 2e-4, "linear")
        if 0 < new_share <= FEW_NEW_ROWS:
            return Recipe(1024, RATE, NEW_ROWS_RATE, "linear", "new-rows")
        rate = LOW_RATE if new_share <= MANY_NEW_ROWS else RATE
        return Recipe(1024, rate, NEW_ROWS_RATE, "linear", "keep-copied")

    def composition(
        self, context: TrainingContext, new_rows: Bool[np.ndarray, " rows"]
    ) -> Composition | None:
        """How new rows follow from those of their pieces."""
        if not self.composed:
            return None
        teacher = check_teacher(context.teacher, context.model)
        return Composition.of(context.model, context.tokenizer, teacher.model, teacher.tokenizer, new_rows)

    def prepare(self, context: TrainingContext) -> None:
        """Cut the texts and write them as tokens of both models.

        Raises:
            ModelError: If there is no teacher, or it does not fit.
            SettingError: If the parallel text can't be read.
        """
        self._pooling_of(context)
        prepare_texts(
            context,
            check_teacher(context.teacher, context.model).tokenizer,
            self._folder(context),
            prefix=self.prefix,
            whole_lines=self.whole_lines,
            word_lists=self.word_lists,
            parallel=Path(self.parallel) if self.parallel else None,
        )

    def task(self, context: TrainingContext) -> Task:
        """Find out how the model takes packed texts.

        Raises:
            ModelError: If there is no teacher, it does not fit, or texts can't be kept apart.
        """
        teacher, pooling = check_teacher(context.teacher, context.model), self._pooling_of(context)
        inputs = find_inputs(context.model, TokenKinds.of(context.tokenizer).probe, bf16=context.bf16)
        if inputs.isolation is Isolation.NONE:
            raise ModelError(
                f"{type(context.model).__name__} can't keep the texts in one window apart, so their "
                "vectors would mix; expected a model that takes a mask from every token to every token"
            )
        texts = Texts.open(self._folder(context))
        reader = Reader.of(teacher.model, teacher.tokenizer, texts.teacher)
        file = context.cache / f"vectors-{pooling}-{teacher.key[:16]}-{texts.key[:16]}.npy"
        vectors = SentenceVectors(reader, pooling, file)
        evaluator = DistanceEvaluator(teacher, context.tokenizer, pooling, self.prefix)
        spans = AlignedSpans.of(
            texts.student, reader, (context.tokenizer, teacher.tokenizer), causal=False, same=texts.same
        )
        terms = Terms(self.distance, self.relational, self.hidden)
        return SentenceTask(terms, inputs, pooling, texts.student, vectors, evaluator, spans)

    def _folder(self, context: TrainingContext) -> Path:
        return context.cache / "texts"

    def _pooling_of(self, context: TrainingContext) -> Pooling:
        if self.pooling:
            return Pooling(self.pooling)
        teacher = check_teacher(context.teacher, context.model)
        inner = Path(str(teacher.model.name_or_path))
        home = next((place for place in (inner, inner.parent) if (place / MODULES).is_file()), None)
        if home is None:
            raise ModelError(
                "the teacher's folder has no sentence-transformers modules that tell how its sentence "
                "vectors are made: give the option pooling, such as mean"
            )
        return read_pooling(home)
