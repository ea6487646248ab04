"""Token distillation: new tokens learn to do in a model what the pieces did that they replace.

Dobler et al. 2025: where both tokenizations of a text have a boundary in common, the student's last hidden
state under its tokens is to be the teacher's under its own. The paper trains new embeddings only
(``--schedule new-rows``) at a learning rate of 1e-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.errors import ModelError
from monoglot.model.hidden_states import last_hidden_states
from monoglot.options import Weight
from monoglot.run.atomic_files import sync_tree
from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.training.aligned_spans import AlignedSpans
from monoglot.training.isolation import Inputs, Isolation, find_inputs, tensors
from monoglot.training.lm_heads import DecoderHead, find_decoder_head, token_losses, window_mean
from monoglot.training.masking import TokenKinds
from monoglot.training.objective import Batch, Objective, Task, TrainingContext
from monoglot.training.objectives.clm import CAUSAL, next_tokens
from monoglot.training.packing import Windows
from monoglot.training.registry import register
from monoglot.training.teacher import Reader, check_teacher

TINY = 1e-12


@register("distill-hidden")
@dataclass(frozen=True)
class TokenDistillation(Objective):
    """Match the teacher's hidden states at aligned positions.

    A decoder's state at the end of a span has read the same text in both models; an encoder's spans
    are compared by the means of their states, for each of them has read everything.

    Attributes:
        cross_entropy: Weight of predicting the next token beside it, scaled to the same magnitude: where the
            head is tied to the embeddings, their norms explode without it (decoders only).
    """

    needs_teacher = True
    cross_entropy: Weight = 0.0

    def why_unsuitable(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs an encoder or a decoder, and its original."""
        if model.config.is_encoder_decoder:
            return f"needs an encoder or a decoder, and {type(model).__name__} is both"
        if self.cross_entropy and type(model).__name__ not in CAUSAL:
            return f"can predict tokens with causal language models only, and {type(model).__name__} is none"
        return None if has_teacher else "needs a teacher: name the original model with --teacher"

    def prepare(self, context: TrainingContext) -> None:
        """Write the corpus as the teacher's tokens, unless it has been written.

        Raises:
            ModelError: If there is no teacher, or it does not fit.
        """
        teacher, folder = check_teacher(context.teacher, context.model), self._folder(context)
        done = folder / teacher.key
        if not done.exists():
            encode_corpus(teacher.tokenizer, context.lines(), folder, progress=context.progress)
            sync_tree(folder)
            done.touch()

    def task(self, context: TrainingContext) -> Task:
        """Find out how the model takes packed documents.

        Raises:
            ModelError: If there is no teacher, it does not fit, or the model can't be used for it.
        """
        teacher = check_teacher(context.teacher, context.model)
        probe = TokenKinds.of(context.tokenizer).probe
        inputs = find_inputs(context.model, probe, bf16=context.bf16)
        if inputs.isolation is Isolation.NONE:
            raise ModelError(
                f"{type(context.model).__name__} can't keep the documents in one window apart, so its "
                "hidden states can't be compared; expected a model that takes a mask of tokens by tokens"
            )
        head = find_decoder_head(context.model, probe, bf16=context.bf16) if self.cross_entropy else None
        if self.cross_entropy and head is None:
            raise ModelError(
                f"the head of {type(context.model).__name__} is of an unknown structure; expected one that "
                "logits can be computed with: leave cross_entropy at 0"
            )
        corpus = TokenizedCorpus.open(self._folder(context))
        return TokenTask(
            AlignedSpans.of(
                context.corpus,
                Reader.of(teacher.model, teacher.tokenizer, corpus),
                (context.tokenizer, teacher.tokenizer),
                causal=type(context.model).__name__ in CAUSAL,
            ),
            inputs,
            head=head,
            weight=self.cross_entropy,
        )

    def _folder(self, context: TrainingContext) -> Path:
        return context.cache / "teacher-tokens"


class TokenTask(Task):
    """Token distillation of one model."""

    whole_documents = True
    uses_dropout = False

    def __init__(
        self, spans: AlignedSpans, inputs: Inputs, *, head: DecoderHead | None, weight: float
    ) -> None:
        self.spans, self.inputs, self.head, self.weight = spans, inputs, head, weight
        self.ends_documents = head is not None  # it is predicted as every token is
        self.needs_bf16 = inputs.needs_bf16
        self.warnings = (inputs.warning,) if inputs.warning else ()

    def collate(self, windows: Windows) -> Batch:
        """The windows, and to which span each token of student and teacher belongs."""
        documents = {"documents": torch.from_numpy(windows.documents)}
        return tensors(windows) | documents | self.spans.collate(windows)

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """The mean squared difference of hidden states, and what the head makes of them if that is wanted."""
        inputs = self.inputs(batch["ids"], batch["segments"], batch["positions"])
        hidden = self.head.hidden(model, inputs) if self.head else last_hidden_states(model, inputs)
        hidden = self.inputs.by_window(hidden, batch["ids"])
        found = self.spans.student(hidden, batch)
        if not len(found):
            return 0.0 * hidden.sum()
        states = self.spans.reader.hidden(batch["documents"].cpu().numpy(), hidden.device)
        wanted = self.spans.teacher(states, batch, found)
        loss = (found - wanted).square().mean()
        if self.head is None:
            return loss
        targets = next_tokens(batch["ids"], batch["segments"])
        vocabulary = model.config.get_text_config().vocab_size
        predicting = window_mean(token_losses(hidden, targets, self.head.logits, vocabulary), targets)
        scale = loss.detach() / predicting.detach().clamp(min=TINY)
        return loss + self.weight * scale * predicting

    def describe(self) -> dict[str, object]:
        """How documents are kept apart, and what is compared."""
        states = "last of each span" if self.spans.causal else "mean of each span"
        return {"documents_apart_by": self.inputs.isolation.value, "states": states}
