"""Log-probabilities of given tokens at given positions, without the logits of all positions at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.model.hidden_states import changed_input
from monoglot.tokenization.scripts import UNSPACED_SCRIPTS, script_of
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.tokenization.vocabulary import plain_backend


@dataclass(frozen=True)
class TokenizedText:
    """Tokenized lines; nothing is truncated.

    Attributes:
        lines: The text.
        ids: The tokens of each line, without special ones.
        offsets: First and last-plus-one character of each of them.
        before: Special tokens that the tokenizer puts in front of a line.
        after: Special tokens that it puts at the end.
    """

    lines: Sequence[str]
    ids: list[Int64[np.ndarray, " tokens"]]
    offsets: list[Int64[np.ndarray, "tokens 2"]]
    before: Int64[np.ndarray, " before"]
    after: Int64[np.ndarray, " after"]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast, lines: Sequence[str]) -> TokenizedText:
        """Tokenize lines."""
        backend = plain_backend(tokenizer)
        encodings = backend.encode_batch(list(lines), add_special_tokens=False)
        template = SpecialTokenTemplate.of(tokenizer)
        return cls(
            lines,
            [np.array(encoding.ids, np.int64) for encoding in encodings],
            [np.array(encoding.offsets, np.int64).reshape(-1, 2) for encoding in encodings],
            np.array(template.before, np.int64),
            np.array(template.after, np.int64),
        )

    def longest_first(self) -> list[int]:
        """Line numbers by length: neighbors share a batch, and what is too long shows at once."""
        return sorted(range(len(self.ids)), key=lambda line: -len(self.ids[line]))


@dataclass(frozen=True)
class Row:
    """One input of the model with the positions and tokens that it is asked for.

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


BATCH_TOKENS = 4096
"""Tokens of a batch, padding included."""
CHUNK_LOGITS = 1 << 25
"""Logits that exist at a time: 128 MB in float32."""


class TokenScorer:
    """Gives the log-probabilities of tokens under a language model.

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
        """Give each row's sum of log-probabilities, in nats; neighbors should be of like length."""
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
        """Give what enters the head at the positions asked for, and the logits if the head must be run."""
        reached: list[Tensor] = []

        def narrow(hidden: Tensor) -> Tensor:
            states = hidden[asked]
            reached.append(states)
            return states[:1] if self.head_is_last else states

        with changed_input(self.head, narrow):
            given = {name: tensor.to(self.model.device) for name, tensor in inputs.items()}
            output = self.model(**given, **self.options)
        if not reached:
            raise ModelError(
                f"{type(self.model).__name__} does not pass through its output projection, so its "
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


def word_bounds(line: str, offsets: Int64[np.ndarray, "tokens 2"]) -> Int64[np.ndarray, " words_and_one"]:
    """Give where in a line's tokens each word begins, and their number at the end.

    A word is what stands between whitespace, so that every tokenizer has the same words; a token of nothing
    but whitespace belongs to the word that follows. In scripts without spaces each token is a word, unless it
    is only part of a character.

    Args:
        line: The text.
        offsets: First and last-plus-one character of each token.
    """
    if not len(offsets):
        return np.zeros(1, np.int64)
    word_of, (_, unspaced) = spaced_words(line), character_kinds(line)
    starts, last = offsets[:, 0], last_characters(line, offsets)
    other_word = word_of[last[1:]] != word_of[last[:-1]]
    beside_unspaced = unspaced[last[1:]] | unspaced[last[:-1]]
    apart = starts[1:] >= offsets[:-1, 1]
    begins = np.flatnonzero(other_word | (beside_unspaced & apart)) + 1
    return np.concatenate([[0], begins, [len(offsets)]])


def spaced_words(line: str) -> Int64[np.ndarray, " characters"]:
    """Give the number of the word that each character is part of; whitespace is part of the word after it."""
    space, _ = character_kinds(line)
    begins = np.zeros(len(line), np.int64)
    begins[1:] = space[1:] & ~space[:-1]  # the first space after a word begins the next one
    begins[len(line.rstrip()) :] = 0  # but for the last one
    return np.cumsum(begins)


def character_kinds(line: str) -> tuple[Bool[np.ndarray, " characters"], Bool[np.ndarray, " characters"]]:
    """Tell which characters are whitespace, and which are of a script without spaces."""
    points = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), np.uint32)
    different, place = np.unique(points, return_inverse=True)
    characters = [chr(point) for point in different.tolist()]
    space = np.array([character.isspace() for character in characters], bool)
    unspaced = np.array([script_of(character) in UNSPACED_SCRIPTS for character in characters], bool)
    return space[place], unspaced[place]


def last_characters(line: str, offsets: Int64[np.ndarray, "tokens 2"]) -> Int64[np.ndarray, " tokens"]:
    """Give the last character of each token; some tokens (a lone ``▁``) stand for no character."""
    starts = np.minimum(offsets[:, 0], len(line) - 1)
    last: Int64[np.ndarray, " tokens"] = np.clip(offsets[:, 1] - 1, starts, len(line) - 1)
    return last


def batches(rows: Iterable[Row], limit_tokens: int) -> Iterator[list[Row]]:
    """Group rows into batches of a bounded number of tokens, padding included."""
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
    """Pad rows to the longest, on the right."""
    lengths = np.array([len(row.ids) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, np.int64)
    ids[mask] = np.concatenate([row.ids for row in rows])
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))}
