"""Span corruption for encoder-decoder models (T5, BART): spans are removed, the decoder writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
import torch
from cyclopts.validators import Number
from jaxtyping import Bool, Int64
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import TokenizerError
from monoglot.options import InnerShare
from monoglot.training.lm_heads import IGNORED
from monoglot.training.objective import Batch, Objective, Task, TrainingContext
from monoglot.training.packing import PADDING, Windows
from monoglot.training.registry import register

STREAM = 2
"""Keeps these draws apart from others of the same seed."""
SENTINEL = re.compile(r"▁?<extra_id_(\d+)>")

Ids = Int64[np.ndarray, " tokens"]
Noise = Bool[np.ndarray, " tokens"]


@register("span")
@dataclass(frozen=True)
class SpanCorruption(Objective):
    """Fill in spans that were taken out.

    With sentinel tokens (T5, Raffel et al. 2020) each span becomes a sentinel and the decoder writes the
    spans only; else each becomes one mask token and the decoder writes the whole text (BART, Lewis et al.
    2020).

    Attributes:
        share: Share of the tokens that is taken out; 0.15 is T5's, 0.3 is BART's.
        span_tokens: Mean length of a span.
    """

    preference = 4
    share: InnerShare = 0.15
    span_tokens: Annotated[float, Number(gte=1)] = 3.0

    def why_unsuitable(self, model: PreTrainedModel, *, has_teacher: bool) -> str | None:
        """It needs an encoder, a decoder and a head."""
        name = type(model).__name__
        if model.config.is_encoder_decoder and model.get_output_embeddings() is not None:
            return None
        return f"needs a model with encoder, decoder and a language-model head, and {name} is none"

    def task(self, context: TrainingContext) -> Task:
        """Find the tokens that stand for spans.

        Raises:
            TokenizerError: If there are neither sentinels nor a mask token, or no pad token.
        """
        tokenizer = context.tokenizer
        sentinels, mask_id = find_sentinels(tokenizer), tokenizer.mask_token_id
        if len(sentinels) < 2 and not isinstance(mask_id, int):
            raise TokenizerError(
                "denoising needs tokens that stand for spans, and the tokenizer has neither <extra_id_0>, "
                "<extra_id_1> … nor a mask token: train on a tokenizer that keeps the source's special tokens"
            )
        if not isinstance(tokenizer.pad_token_id, int):
            raise TokenizerError("denoising needs a pad token, and the tokenizer has none")
        fillers = sentinels if len(sentinels) > 1 else np.array([mask_id])
        eos = tokenizer.eos_token_id if isinstance(tokenizer.eos_token_id, int) else None
        return SpanTask(self, fillers, tokenizer.pad_token_id, eos, context.seed)


def find_sentinels(tokenizer: PreTrainedTokenizerFast) -> Ids:
    """The ids of ``<extra_id_0>``, ``<extra_id_1>`` … in this order."""
    found = {
        int(match[1]): id for text, id in tokenizer.get_vocab().items() if (match := SENTINEL.fullmatch(text))
    }
    return np.array([found[number] for number in sorted(found)], np.int64)


class SpanTask(Task):
    """Denoising by one model; the texts of a window are one long text, as when T5 was trained."""

    def __init__(
        self, objective: SpanCorruption, fillers: Ids, pad_id: int, eos_id: int | None, seed: int
    ) -> None:
        self.objective, self.fillers, self.pad_id, self.eos_id = objective, fillers, pad_id, eos_id
        self.seed = seed

    def collate(self, windows: Windows) -> Batch:
        """Take spans out of the windows."""
        inputs, targets = [], []
        for row, number in enumerate(windows.numbers.tolist()):
            rng = np.random.default_rng([self.seed, STREAM, number])
            filled = windows.segments[row] != PADDING
            ids, is_text = windows.ids[row][filled], windows.is_text[row][filled]
            noise = draw_spans(len(ids), self.objective.share, self.objective.span_tokens, rng) & is_text
            taken, left = self.split(ids, noise)
            inputs.append(taken)
            targets.append(left)
        ids, labels = _padded(inputs, self.pad_id), _padded(targets, IGNORED)
        lengths = np.array([len(row) for row in inputs])
        mask = np.arange(ids.shape[1]) < lengths[:, None]
        return {
            "ids": torch.from_numpy(ids),
            "mask": torch.from_numpy(mask.astype(np.int64)),
            "labels": torch.from_numpy(labels),
        }

    def split(self, ids: Ids, noise: Noise) -> tuple[Ids, Ids]:
        """Divide a text into what the encoder reads and what the decoder is to write.

        Args:
            ids: The text.
            noise: Which tokens are taken out; spans beyond the last sentinel are left in.
        """
        if len(self.fillers) == 1:
            begins = noise & ~np.concatenate([[False], noise[:-1]])
            return np.where(begins, self.fillers[0], ids)[~noise | begins], ids
        edges = np.flatnonzero(np.diff(np.concatenate([[0], noise.astype(np.int8), [0]])))
        spans = edges.reshape(-1, 2)[: len(self.fillers) - 1]
        cuts = np.concatenate([[0], spans.ravel(), [len(ids)]])
        parts = [ids[start:end] for start, end in pairwise(cuts.tolist())]
        kept, taken = parts[::2], parts[1::2]
        fillers = self.fillers[:, None]
        read = [part for pair in zip(kept, fillers[: len(spans)], strict=False) for part in pair]
        write = [part for pair in zip(fillers[: len(spans)], taken, strict=True) for part in pair]
        last = fillers[len(spans)] if self.eos_id is None else np.array([self.eos_id])
        return np.concatenate([*read, kept[-1]]), np.concatenate([*write, last])

    def loss(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """Mean cross-entropy of what the decoder is to write."""
        loss: Tensor = model(
            input_ids=batch["ids"], attention_mask=batch["mask"], labels=batch["labels"], use_cache=False
        ).loss
        return loss

    def describe(self) -> dict[str, object]:
        """What stands for a span."""
        return {"spans_become": "sentinels" if len(self.fillers) > 1 else "mask"}


def draw_spans(length: int, share: float, span_tokens: float, rng: np.random.Generator) -> Noise:
    """Draw which tokens are taken out: spans of random lengths, random distances apart (T5).

    Args:
        length: Tokens of the text.
        share: Share of them that is taken out; exactly that, rounded, and at least one token.
        span_tokens: Mean length of a span.
        rng: Draws.
    """
    n_noise = min(max(round(length * share), 1), length - 1)
    n_spans = min(max(round(n_noise / span_tokens), 1), n_noise, length - n_noise)
    if n_spans < 1:
        return np.zeros(length, bool)
    runs = np.column_stack(
        [_composition(length - n_noise, n_spans, rng), _composition(n_noise, n_spans, rng)]
    )
    return np.repeat(np.tile([False, True], n_spans), runs.ravel())


def _composition(total: int, parts: int, rng: np.random.Generator) -> Ids:
    """A random way to write a number as a sum of positive ones."""
    cuts = np.sort(rng.choice(total - 1, parts - 1, replace=False)) + 1
    return np.diff(np.concatenate([[0], cuts, [total]]))


def _padded(rows: list[Ids], filler: int) -> Int64[np.ndarray, "rows tokens"]:
    longest = max(map(len, rows))
    return np.stack([np.pad(row, (0, longest - len(row)), constant_values=filler) for row in rows])
