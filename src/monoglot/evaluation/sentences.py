"""Sentence vectors, and how well they find translations or agree with human ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.model.hidden_states import last_hidden_states
from monoglot.model.longest_input import longest_input_tokens
from monoglot.model.pooling import Pooling, cosines, pool_rows
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.vocabulary import as_it_was


@dataclass(frozen=True)
class SentenceEncoder:
    """A model with its tokenizer, pooling and prefix.

    Attributes:
        model: An encoder.
        tokenizer: Its tokenizer, which needs a pad token.
        pooling: How the last hidden states become one vector.
        prefix: Put before each sentence; E5 models want ``query: ``.
        longest_tokens: Longer sentences are cut; so are those that the model can't read.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    pooling: Pooling = Pooling.MEAN
    prefix: str = ""
    longest_tokens: int = 512

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.model.config.get_text_config().hidden_size)

    def __call__(
        self, texts: Sequence[str], *, progress: Progress = SILENT
    ) -> Float32[np.ndarray, "texts dim"]:
        """Compute sentence vectors."""
        return embed(
            self.model,
            self.tokenizer,
            texts,
            pooling=self.pooling,
            prefix=self.prefix,
            longest_tokens=self.longest_tokens,
            progress=progress,
        )


BATCH_TOKENS = 8192
"""Tokens of a batch, padding included."""
BATCH_TOKENS_CPU = 1024
"""The same on a processor, which gains nothing by large batches but has to compute their padding."""


@torch.inference_mode()
def embed(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    *,
    pooling: Pooling = Pooling.MEAN,
    prefix: str = "",
    longest_tokens: int = 512,
    progress: Progress = SILENT,
) -> Float32[np.ndarray, "texts dim"]:
    """Compute sentence vectors: the last hidden states pooled, scaled to length one.

    Args:
        model: An encoder, with or without a head.
        tokenizer: Its tokenizer, which needs a pad token.
        texts: Sentences.
        pooling: How the states become one vector.
        prefix: Put before each of them; E5 models want ``query: ``.
        longest_tokens: Longer sentences are cut; so are those that the model can't read.
        progress: Where to show how far it is.
    """
    longest = min(longest_tokens, longest_input_tokens(model, tokenizer))
    batch_tokens = BATCH_TOKENS_CPU if model.device.type == "cpu" else BATCH_TOKENS
    with as_it_was(tokenizer):
        lists = tokenizer([prefix + text for text in texts], truncation=True, max_length=longest)["input_ids"]
    order = sorted(range(len(texts)), key=lambda i: len(lists[i]))
    vectors = np.zeros((len(texts), model.config.get_text_config().hidden_size), np.float32)
    with progress.task("Embedding sentences", len(texts)) as advance:
        while order:
            # Texts of like length share a batch; the longest is the last of those left.
            size = max(1, batch_tokens // len(lists[order[-1]]))
            batch, order = order[-size:], order[:-size]
            # Behind the text: positions of many models are counted from the first place of a row.
            padded = tokenizer.pad(
                {"input_ids": [lists[i] for i in batch]}, padding_side="right", return_tensors="pt"
            ).to(model.device)
            hidden = last_hidden_states(model, padded)
            vectors[batch] = pool_rows(hidden, padded["attention_mask"], pooling).cpu().numpy()
            advance(len(batch))
    return vectors


def correlations(given: Float[np.ndarray, " pairs"], ratings: Sequence[float]) -> dict[str, float]:
    """Compute Spearman's and Pearson's correlation; of a model that rates all pairs alike, zero.

    Args:
        given: A model's similarities.
        ratings: How alike people found each pair; not all the same.
    """
    if np.ptp(given) == 0:
        return {"spearman": 0.0, "pearson": 0.0}
    from scipy.stats import pearsonr, spearmanr  # takes half a second, which no other command should wait for

    return {
        "spearman": float(spearmanr(given, ratings).statistic),
        "pearson": float(pearsonr(given, ratings).statistic),
    }


def found_at_1(
    queries: Float32[np.ndarray, "n dim"], answers: Float32[np.ndarray, "n dim"]
) -> Bool[np.ndarray, " n"]:
    """Find which queries' nearest answer by cosine is the one at the same index.

    Args:
        queries: Vectors of length one.
        answers: Vectors of length one, in the same order.
    """
    found: Bool[np.ndarray, " n"] = (queries @ answers.T).argmax(axis=1) == np.arange(len(queries))
    return found


def precision_at_1(queries: Float32[np.ndarray, "n dim"], answers: Float32[np.ndarray, "n dim"]) -> float:
    """Compute the share of queries that `found_at_1` finds an answer for."""
    return float(found_at_1(queries, answers).mean())


def mean_cosine(first: Float32[np.ndarray, "n dim"], second: Float32[np.ndarray, "n dim"]) -> float:
    """Compute the mean cosine of paired vectors of length one."""
    return float(cosines(first, second).mean())
