"""Log-probabilities of given tokens at given places, without the logits of all places at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel

from monoglot.errors import ModelError

BATCH_TOKENS = 4096
"""Tokens of a batch, padding included."""
CHUNK_LOGITS = 1 << 25
"""Logits that exist at a time: 128 MB in float32."""


@dataclass(frozen=True)
class Row:
    """One input of the model, and what is asked of it.

    Attributes:
        line: The line that it is part of.
        word: The word of it that is asked for; 0 where the whole line is.
        ids: What the model reads.
        places: Where in ``ids`` the predictions are that are asked for.
        targets: The token whose probability is wanted at each of these places.
    """

    line: int
    word: int
    ids: Int64[np.ndarray, " tokens"]
    places: Int64[np.ndarray, " asked"]
    targets: Int64[np.ndarray, " asked"]


class TokenScorer:
    """A language model, asked for the probabilities of tokens.

    The model runs as it is but for its last projection, which is given only the places that matter, a chunk
    of them at a time: with 262,144 tokens, the logits of a batch would take 4 GB.

    Args:
        model: A causal or masked language model, in evaluation mode.
        pad_id: What fills shorter rows; any id will do, since attention is masked there.
        allowed_ids: Restricts the softmax to these tokens, as if the vocabulary had no others.

    Raises:
        ModelError: If the model has no output projection over its vocabulary.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        pad_id: int,
        allowed_ids: Int64[np.ndarray, " allowed"] | None = None,
    ) -> None:
        head = model.get_output_embeddings()
        if head is None:
            raise ModelError(
                f"{type(model).__name__} has no language-model head, so it gives no probabilities: "
                "expected a causal or masked language model."
            )
        self.model, self.pad_id = model, pad_id
        self.head: nn.Module = head
        self.allowed = None if allowed_ids is None else torch.from_numpy(allowed_ids).to(model.device)
        # Decoders would otherwise store keys and values that nobody reads again.
        self.options = {"use_cache": False} if getattr(model.config, "use_cache", None) else {}
        self.n_logits, self.head_is_last = self._probe()

    def score(self, rows: Iterable[Row]) -> Iterator[tuple[Row, float]]:
        """Give each row's sum of log-probabilities, in nats; neighbours should be of like length."""
        limit = BATCH_TOKENS
        if not self.head_is_last:  # all logits of a batch are made at once: fewer rows, if need be one by one
            limit = min(limit, CHUNK_LOGITS // self.n_logits)
        for batch in batches(rows, limit):
            sums = self._sums(batch)
            yield from zip(batch, sums.tolist(), strict=True)

    @torch.inference_mode()
    def _sums(self, rows: list[Row]) -> Float64[np.ndarray, " rows"]:
        lengths = [len(row.places) for row in rows]
        owners = torch.from_numpy(np.repeat(np.arange(len(rows)), lengths)).to(self.model.device)
        places = torch.from_numpy(np.concatenate([row.places for row in rows])).to(self.model.device)
        targets = torch.from_numpy(np.concatenate([row.targets for row in rows])).to(self.model.device)
        states, logits = self._run(padded(rows, self.pad_id), (owners, places))
        size = max(1, CHUNK_LOGITS // self.n_logits)
        scores = [
            self._chosen(
                self.head(states[start : start + size]) if logits is None else logits[start : start + size],
                targets[start : start + size],
            )
            for start in range(0, len(targets), size)
        ]
        flat = torch.cat(scores).double().cpu().numpy()
        return np.bincount(owners.cpu().numpy(), flat, minlength=len(rows))

    def _chosen(
        self, logits: Float32[Tensor, "places vocabulary"], targets: Int64[Tensor, " places"]
    ) -> Float32[Tensor, " places"]:
        """Log-probabilities of the targets; sums of exponentials need float32 whatever the model's dtype."""
        logits = logits.float()
        chosen = logits.gather(1, targets[:, None])[:, 0]
        if self.allowed is not None:
            logits = logits.index_select(1, self.allowed)
        return chosen - logits.logsumexp(1)

    def _run(self, inputs: dict[str, Tensor], asked: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
        """What reaches the head at the places asked for; logits too, if they can't be had from that alone."""
        reached: list[Tensor] = []

        def narrow(module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            states = arguments[0][asked]
            reached.append(states)
            return (states[:1] if self.head_is_last else states, *arguments[1:])

        with self.head.register_forward_pre_hook(narrow):
            given = {name: tensor.to(self.model.device) for name, tensor in inputs.items()}
            output = self.model(**given, **self.options)
        if not reached:
            raise ModelError(
                f"{type(self.model).__name__} does not pass through its output projection, so that its "
                "probabilities can't be read; expected a causal or masked language model."
            )
        return reached[0], None if self.head_is_last else output[0]

    @torch.inference_mode()
    def _probe(self) -> tuple[int, bool]:
        """The number of logits, and whether nothing (such as Gemma 2's soft cap) follows the head."""
        self.head_is_last = False
        ids = torch.full((1, 2), self.pad_id)
        place = (torch.tensor([0]), torch.tensor([1]))
        states, logits = self._run({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, place)
        assert logits is not None  # since the head is not known to be last
        return logits.shape[-1], bool(torch.allclose(self.head(states), logits, rtol=1e-4, atol=1e-4))


def batches(rows: Iterable[Row], limit_tokens: int) -> Iterator[list[Row]]:
    """Group neighbouring rows so that, filled up to the longest, they have at most so many tokens."""
    batch: list[Row] = []
    longest = 0
    for row in rows:
        longest = max(longest, len(row.ids))
        if batch and longest * (len(batch) + 1) > limit_tokens:
            yield batch
            batch, longest = [], len(row.ids)
        batch.append(row)
    if batch:
        yield batch


def padded(rows: list[Row], pad_id: int) -> dict[str, Tensor]:
    """Fill rows up to the longest, on the right."""
    lengths = np.array([len(row.ids) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, np.int64)
    ids[mask] = np.concatenate([row.ids for row in rows])
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}
