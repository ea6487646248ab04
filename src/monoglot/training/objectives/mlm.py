"""Masked language modeling: predict tokens from both sides (Devlin et al. 2019)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from monoglot._hf import language_model_classes
from monoglot.errors import TokenizerError
from monoglot.options import InnerShare
from monoglot.training.isolation import Inputs, find_inputs, tensors
from monoglot.training.lm_heads import IGNORED, GatheredHead, find_head, window_mean
from monoglot.training.masking import Maskable, TokenKinds, mask
from monoglot.training.objective import Batch, Objective, Task, TrainingContext
from monoglot.training.packing import Windows
from monoglot.training.registry import register

logger = logging.getLogger(__name__)

WITH_HEAD = frozenset(
    name for name in language_model_classes("MASKED_LM") if name.endswith(("ForMaskedLM", "ForPreTraining"))
)


@register("mlm")
@dataclass(frozen=True)
class MaskedLanguageModeling(Objective):
    """Predict masked tokens.

    Attributes:
        share: Share of the tokens that is predicted.
        whole_words: Whether all tokens of a word are predicted together.
    """

    preference = 1
    share: InnerShare = 0.15
    whole_words: bool = False

    def why_unsuitable(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs a head that was made for it."""
        if type(model).__name__ in WITH_HEAD:
            return None
        return f"needs a model with a masked-language-model head, and {type(model).__name__} has none"

    def task(self, context: TrainingContext) -> Task:
        """Find out how the model takes packed windows, and where its head begins.

        Raises:
            TokenizerError: If the tokenizer has no mask token.
        """
        mask_id = context.tokenizer.mask_token_id
        if not isinstance(mask_id, int):
            raise TokenizerError("masked language modeling needs a mask token, and the tokenizer has none")
        kinds = TokenKinds.of(context.tokenizer)
        maskable = Maskable(mask_id, kinds.ordinary, kinds.is_special, kinds.begins_word, kinds.is_whole)
        inputs = find_inputs(context.model, kinds.probe, bf16=context.bf16)
        head = find_head(context.model, kinds.probe, bf16=context.bf16)
        return MaskedTask(self, maskable, inputs, head, context.seed)


class MaskedTask(Task):
    """Masked language modeling of one model."""

    def __init__(
        self,
        objective: MaskedLanguageModeling,
        maskable: Maskable,
        inputs: Inputs,
        head: GatheredHead,
        seed: int,
    ) -> None:
        self.objective, self.maskable, self.seed = objective, maskable, seed
        self.inputs, self.head = inputs, head
        self.needs_bf16 = inputs.needs_bf16
        self.warnings = (inputs.warning,) if inputs.warning else ()
        if head.entry is None:
            logger.warning("The head's structure is unknown: logits are computed for all tokens, slowly.")

    def collate(self, windows: Windows) -> Batch:
        """Mask the windows."""
        masked = mask(
            windows,
            self.maskable,
            share=self.objective.share,
            whole_words=self.objective.whole_words,
            seed=self.seed,
        )
        replaced = {name: getattr(masked, name) for name in ("ids", "chosen", "targets")}
        return tensors(windows) | {name: torch.from_numpy(values) for name, values in replaced.items()}

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """Mean cross-entropy of the tokens that were masked."""
        inputs = self.inputs(batch["ids"], batch["segments"], batch["positions"])
        logits = self.head(model, inputs, self.inputs.places(batch["chosen"], batch["ids"]))
        targets = batch["targets"]
        losses = cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="none"
        )
        return window_mean(losses.view_as(targets), targets)

    def describe(self) -> dict[str, object]:
        """How documents are kept apart, and whether logits are computed for masked tokens only."""
        return {
            "documents_apart_by": self.inputs.isolation.value,
            "masked_logits_only": self.head.entry is not None,
        }
