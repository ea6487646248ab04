"""Sentence vectors, and how well they find translations or rate similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.progress import SILENT, Progress

BATCH_TOKENS = 8192
"""Tokens of a batch, padding included."""


@torch.inference_mode()
def embed(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    *,
    prefix: str = "",
    longest_tokens: int = 512,
    progress: Progress = SILENT,
) -> Float32[np.ndarray, "texts dim"]:
    """Compute sentence vectors: the mean of the last hidden states, scaled to length one.

    Args:
        model: An encoder.
        tokenizer: Its tokenizer, which needs a pad token.
        texts: Sentences.
        prefix: Put before each of them; E5 models want ``query: ``.
        longest_tokens: Longer sentences are cut.
        progress: Where to show how far it is.
    """
    lists = tokenizer([prefix + text for text in texts], truncation=True, max_length=longest_tokens)[
        "input_ids"
    ]
    order = sorted(range(len(texts)), key=lambda i: len(lists[i]))
    vectors = np.zeros((len(texts), model.config.get_text_config().hidden_size), np.float32)
    with progress.task("Embedding sentences", len(texts)) as advance:
        while order:
            # Texts of like length share a batch; the longest is the last of those left.
            size = max(1, BATCH_TOKENS // len(lists[order[-1]]))
            batch, order = order[-size:], order[:-size]
            padded = tokenizer.pad({"input_ids": [lists[i] for i in batch]}, return_tensors="pt").to(
                model.device
            )
            hidden = model(**padded).last_hidden_state
            vectors[batch] = mean_pooled(hidden, padded["attention_mask"]).float().cpu().numpy()
            advance(len(batch))
    return vectors


def mean_pooled(
    hidden: Float[Tensor, "batch tokens dim"], attention_mask: Tensor
) -> Float[Tensor, "batch dim"]:
    """Compute the mean over the tokens that are no padding, scaled to length one."""
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    means = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
    return torch.nn.functional.normalize(means, dim=-1)


def precision_at_1(queries: Float32[np.ndarray, "n dim"], answers: Float32[np.ndarray, "n dim"]) -> float:
    """Compute how often a query's nearest answer by cosine is the one at the same place.

    Args:
        queries: Vectors of length one.
        answers: Vectors of length one, in the same order.
    """
    nearest = (queries @ answers.T).argmax(axis=1)
    return float((nearest == np.arange(len(queries))).mean())


def mean_cosine(first: Float32[np.ndarray, "n dim"], second: Float32[np.ndarray, "n dim"]) -> float:
    """Compute the mean cosine of vectors of length one, place by place."""
    return float((first * second).sum(axis=1).mean())
