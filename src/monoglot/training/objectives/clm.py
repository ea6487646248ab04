"""Causal language modeling: predict every token from those before it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from monoglot._hf import CAUSAL_ENDINGS, language_model_classes
from monoglot.training.isolation import Inputs, find_inputs, tensors
from monoglot.training.lm_heads import (
    IGNORED,
    DecoderHead,
    find_decoder_head,
    logits_of,
    token_losses,
    window_mean,
)
from monoglot.training.masking import TokenKinds
from monoglot.training.objective import Batch, Objective, Task, TrainingContext
from monoglot.training.packing import PADDING, Windows
from monoglot.training.registry import register

logger = logging.getLogger(__name__)

CAUSAL = frozenset(name for name in language_model_classes("CAUSAL_LM") if name.endswith(CAUSAL_ENDINGS))


@register("clm")
@dataclass(frozen=True)
class CausalLanguageModeling(Objective):
    """Predict the next token."""

    preference = 2

    def why_unsuitable(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs a decoder with a language-model head."""
        if type(model).__name__ in CAUSAL:
            return None
        return f"needs a causal language model, and {type(model).__name__} is none"

    def task(self, context: TrainingContext) -> Task:
        """Find out how the model takes packed windows, and what its head does."""
        kinds = TokenKinds.of(context.tokenizer)
        head = find_decoder_head(context.model, kinds.probe, bf16=context.bf16)
        return CausalTask(find_inputs(context.model, kinds.probe, bf16=context.bf16), head)


class CausalTask(Task):
    """Causal language modeling of one model."""

    ends_documents = True

    def __init__(self, inputs: Inputs, head: DecoderHead | None) -> None:
        self.inputs, self.head = inputs, head
        self.needs_bf16 = inputs.needs_bf16
        self.warnings = (inputs.warning,) if inputs.warning else ()
        if head is None:
            logger.warning("The head's structure is unknown: the logits of a whole batch exist at once.")

    def collate(self, windows: Windows) -> Batch:
        """The windows; which token is next follows from them."""
        return tensors(windows)

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """Mean cross-entropy of each token that follows another of its document."""
        inputs = self.inputs(batch["ids"], batch["segments"], batch["positions"])
        targets = next_tokens(batch["ids"], batch["segments"])
        if self.head is None:
            logits = logits_of(model(**inputs)).flatten(0, 1).float()
            losses = cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="none")
            losses = losses.view_as(targets)
        else:
            hidden = self.head.hidden(model, inputs)
            losses = token_losses(
                hidden, targets, self.head.logits, model.config.get_text_config().vocab_size
            )
        return window_mean(losses, targets)

    def describe(self) -> dict[str, object]:
        """How documents are kept apart, and whether the logits are computed some at a time."""
        return {
            "documents_apart_by": self.inputs.isolation.value,
            "chunked_logits": self.head is not None,
        }


def next_tokens(ids: Tensor, segments: Tensor) -> Tensor:
    """Give the id after each token in its segment; -100 at its end and in padding."""
    targets = ids.roll(-1, dims=1)
    ends = segments != segments.roll(-1, dims=1)
    ends[:, -1] = True
    return targets.masked_fill(ends | (segments == PADDING), IGNORED)
