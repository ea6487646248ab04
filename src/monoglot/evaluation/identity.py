"""How far the outputs of a model with fewer tokens are from those of the model it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.progress import SILENT, Progress

ModelAndTokenizer = tuple[PreTrainedModel, PreTrainedTokenizerFast]
LONGEST_TOKENS = 128


@dataclass(frozen=True)
class Difference:
    """A comparison of outputs.

    Attributes:
        output_lines: Lines that both tokenizers segment alike, and whose outputs were compared.
        largest_difference: Largest absolute difference of a logit, or of a hidden state if there is no head.
    """

    output_lines: int
    largest_difference: float


@torch.inference_mode()
def largest_difference(
    source: ModelAndTokenizer,
    target: ModelAndTokenizer,
    kept_source_ids: Int64[np.ndarray, " target"],
    lines: Sequence[str],
    *,
    progress: Progress = SILENT,
) -> Difference:
    """Compute how much the outputs differ on lines that both tokenizers segment alike.

    Args:
        source: The original model and its tokenizer.
        target: The model that was made from it by keeping tokens, and its tokenizer.
        kept_source_ids: The source id of each target id; logits of other source ids are left out.
        lines: The text; lines that are segmented otherwise are passed over, long ones are cut.
        progress: Where to show how far it is.
    """
    kept = torch.from_numpy(kept_source_ids)
    longest = min(LONGEST_TOKENS, source[1].model_max_length)
    compared, largest = 0, 0.0
    with progress.task("Comparing outputs", len(lines)) as advance:
        for line in lines:
            advance(1)
            old, new = (
                torch.tensor([tokenizer(line, truncation=True, max_length=longest)["input_ids"]])
                for _, tokenizer in (source, target)
            )
            if new.numel() == 0 or not torch.equal(old, kept[new]):
                continue
            before, after = output(source[0], old), output(target[0], new)
            if before.shape[-1] != after.shape[-1]:
                before = before[..., kept]
            compared += 1
            largest = max(largest, float((before - after[..., : before.shape[-1]]).abs().max()))
    return Difference(compared, largest)


def output(model: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
    """The first output of a model (logits, or hidden states) for one line; float32."""
    inputs = {"input_ids": ids}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    result: torch.Tensor = model(**inputs)[0]
    return result.float()
