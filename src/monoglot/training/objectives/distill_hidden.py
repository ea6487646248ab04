"""Token distillation: new tokens come to do in a model what the pieces did that they replace.

Dobler et al. 2025: where both tokenizations of a text have a boundary in common, the student's last hidden
state under its tokens is to be the teacher's under its own. The paper trains new embeddings only
(``--schedule new-rows``) at a learning rate of 1e-4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.errors import ModelError, SettingError
from monoglot.tokenization.encoding import encode_corpus
from monoglot.tokenization.tokenized_corpus import TokenizedCorpus
from monoglot.training.alignment import NOWHERE, Alignment, align, byte_lengths
from monoglot.training.chunked import token_losses, window_mean
from monoglot.training.decoder_head import DecoderHead, find_decoder_head
from monoglot.training.isolation import Inputs, Isolation, find_inputs, tensors
from monoglot.training.objectives.base import Batch, Lesson, Objective, Task
from monoglot.training.objectives.clm import CAUSAL, next_tokens
from monoglot.training.registry import register
from monoglot.training.teaching import Reader, check_teacher, last_hidden
from monoglot.training.vocabulary import TokenKinds
from monoglot.training.windows import Windows

TINY = 1e-12


@register("distill-hidden")
@dataclass(frozen=True)
class TokenDistillation(Objective):
    """Match the teacher's hidden states at aligned positions.

    A decoder's state at the end of a stretch has read the same text in both models; an encoder's stretches
    are compared by the means of their states, for each of them has read everything.

    Attributes:
        cross_entropy: Weight of predicting the next token beside it, scaled to the same magnitude: where the
            head is tied to the embeddings, their norms explode without it (decoders only).
    """

    cross_entropy: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a negative weight.

        Raises:
            SettingError: If it is.
        """
        if self.cross_entropy < 0:
            raise SettingError(f"cross_entropy {self.cross_entropy} is a weight: give 0 or more")

    def misfit(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs an encoder or a decoder, and its original."""
        if model.config.is_encoder_decoder:
            return f"needs an encoder or a decoder, and {type(model).__name__} is both"
        if self.cross_entropy and type(model).__name__ not in CAUSAL:
            return f"can predict tokens with causal language models only, and {type(model).__name__} is none"
        return None if has_teacher else "needs a teacher: name the original model with --teacher"

    def prepare(self, lesson: Lesson) -> None:
        """Write the corpus as the teacher's tokens, unless it has been written.

        Raises:
            ModelError: If there is no teacher, or it does not fit.
        """
        teacher, folder = check_teacher(lesson.teacher, lesson.model), self._folder(lesson)
        done = folder / teacher.key
        if not done.exists():
            encode_corpus(teacher.tokenizer, lesson.lines(), folder, progress=lesson.progress)
            done.touch()

    def task(self, lesson: Lesson) -> Task:
        """Find out how the model takes packed documents.

        Raises:
            ModelError: If there is no teacher, it does not fit, or the model can't be used for it.
        """
        teacher = check_teacher(lesson.teacher, lesson.model)
        probe = TokenKinds.of(lesson.tokenizer).probe
        inputs = find_inputs(lesson.model, probe)
        if inputs.isolation is Isolation.NONE:
            raise ModelError(
                f"{type(lesson.model).__name__} can't keep the documents of a window apart, so that its "
                "hidden states can't be compared; expected a model that takes a mask of tokens by tokens"
            )
        head = find_decoder_head(lesson.model, probe) if self.cross_entropy else None
        if self.cross_entropy and head is None:
            raise ModelError(
                f"the head of {type(lesson.model).__name__} is of an unknown structure; expected one that "
                "logits can be computed with: leave cross_entropy at 0"
            )
        corpus = TokenizedCorpus.open(self._folder(lesson))
        return TokenTask(
            Reader.of(teacher.model, teacher.tokenizer, corpus),
            lesson.corpus,
            inputs,
            (byte_lengths(lesson.tokenizer), byte_lengths(teacher.tokenizer)),
            causal=type(lesson.model).__name__ in CAUSAL,
            head=head,
            weight=self.cross_entropy,
        )

    def _folder(self, lesson: Lesson) -> Path:
        return lesson.cache / "teacher-tokens"


class TokenTask(Task):
    """Token distillation of one model."""

    whole_documents = True
    uses_dropout = False

    def __init__(
        self,
        reader: Reader,
        documents: TokenizedCorpus,
        inputs: Inputs,
        lengths: tuple[Int64[np.ndarray, " ids"], Int64[np.ndarray, " ids"]],
        *,
        causal: bool,
        head: DecoderHead | None,
        weight: float,
    ) -> None:
        self.reader, self.documents, self.inputs, self.lengths = reader, documents, inputs, lengths
        self.causal, self.head, self.weight = causal, head, weight

    def collate(self, windows: Windows) -> Batch:
        """The windows, and to which stretch each token of student and teacher belongs."""
        stretch_of = np.full(windows.ids.shape, NOWHERE, np.int64)
        rows, count = [], 0
        for piece, document in enumerate(windows.documents.tolist()):
            here = (windows.pieces == piece) & windows.is_text
            found = self._align(document, windows.ids[here])
            stretch_of[here] = np.where(found.first == NOWHERE, NOWHERE, found.first + count)
            rows.append(np.where(found.second == NOWHERE, NOWHERE, found.second + count))
            count += found.stretches
        longest = max(map(len, rows))
        padded = np.stack([np.pad(row, (0, longest - len(row)), constant_values=NOWHERE) for row in rows])
        return tensors(windows) | {
            "documents": torch.from_numpy(windows.documents),
            "stretches": torch.from_numpy(stretch_of),
            "teacher_stretches": torch.from_numpy(padded),
        }

    def _align(self, document: int, ids: Int64[np.ndarray, " tokens"]) -> Alignment:
        """Align what a window has of a document with what the teacher reads."""
        frame, read = self.reader.frame, self.reader.ids(document)
        text = read[len(frame.before) : len(read) - len(frame.after)]
        first, second = (lengths[part] for lengths, part in zip(self.lengths, (ids, text), strict=True))
        whole = [
            lengths[corpus.ids[slice(*corpus.offsets[document : document + 2])]].sum()
            for lengths, corpus in zip(self.lengths, (self.documents, self.reader.corpus), strict=True)
        ]
        if whole[0] == whole[1]:
            found = align(first, second)
        else:  # unknown tokens, or normalizers that differ: bytes say nothing
            found = Alignment(np.full_like(first, NOWHERE), np.full_like(second, NOWHERE), 0)
        around = (len(frame.before), len(frame.after))
        return replace(found, second=np.pad(found.second, around, constant_values=NOWHERE))

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """The mean squared difference of hidden states, and what the head makes of them if that is wanted."""
        inputs = self.inputs(batch["ids"], batch["pieces"], batch["positions"])
        hidden = self.head.hidden(model, inputs) if self.head else last_hidden(model, inputs)
        count = int(batch["stretches"].max()) + 1
        if not count:
            return 0.0 * hidden.sum()
        found = self.reduce(hidden, batch["stretches"], count)
        wanted = torch.zeros_like(found)
        for places, states, mask in self.reader.hidden(batch["documents"].cpu().numpy(), hidden.device):
            stretches = batch["teacher_stretches"][places][:, : mask.shape[1]]
            wanted += self.reduce(states, stretches.masked_fill(~mask, NOWHERE), count)
        loss = (found - wanted).square().mean()
        if self.head is None:
            return loss
        targets = next_tokens(batch["ids"], batch["pieces"])
        vocabulary = model.config.get_text_config().vocab_size
        predicting = window_mean(token_losses(hidden, targets, self.head.logits, vocabulary), targets)
        scale = loss.detach() / predicting.detach().clamp(min=TINY)
        return loss + self.weight * scale * predicting

    def reduce(
        self, hidden: Float[Tensor, "rows tokens dim"], stretches: Int64[Tensor, "rows tokens"], count: int
    ) -> Float[Tensor, "stretches dim"]:
        """Compute one state for each stretch, in float32: the last of a decoder, the mean of an encoder."""
        counted = stretches != NOWHERE
        if self.causal:
            following = torch.nn.functional.pad(stretches[:, 1:], (0, 1), value=NOWHERE)
            counted &= stretches != following
        owner, states = stretches[counted], hidden[counted].float()
        zeros = torch.zeros(count, hidden.shape[-1], dtype=torch.float32, device=hidden.device)
        tokens = torch.bincount(owner, minlength=count).clamp(min=1)
        return zeros.index_add(0, owner, states) / tokens[:, None]

    def describe(self) -> dict[str, object]:
        """How documents are kept apart, and what is compared."""
        states = "last of each stretch" if self.causal else "mean of each stretch"
        return {"documents_apart_by": self.inputs.isolation.value, "states": states}
