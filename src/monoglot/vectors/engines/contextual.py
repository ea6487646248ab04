"""Vectors from a model: its hidden states averaged over the occurrences of each token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.sparse import csr_array
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from monoglot.model.hidden_states import Layer
from monoglot.model.longest_input import longest_input_tokens
from monoglot.model.source import Source
from monoglot.options import Count, Share
from monoglot.tokenization.encoding import Ids, TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary, plain_backend
from monoglot.vectors.engine import EngineInputs, ModelEngine, TokenVectors
from monoglot.vectors.registry import engine

NOBODY = -1
"""Owner of a character that belongs to no token: the space before a word."""


@dataclass(frozen=True)
class TokenTexts:
    """How the tokens of a vocabulary are put together to a text; special tokens are no text.

    Attributes:
        surfaces: The bytes of each id, with the space before a word.
        spaces: Whether an id begins with a space.
        characters: How many characters begin in the bytes of each id, without that space.
    """

    surfaces: list[bytes] = field(repr=False)
    spaces: Bool[np.ndarray, " size"] = field(repr=False)
    characters: Int64[np.ndarray, " size"] = field(repr=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        """Take the bytes of all tokens."""
        surfaces = [b""] * vocabulary.size
        spaces = np.zeros(vocabulary.size, dtype=bool)
        characters = np.zeros(vocabulary.size, dtype=np.int64)
        for token in vocabulary.tokens:
            if not token.roles:
                spaces[token.id] = token.word_start is True
                surfaces[token.id] = (b" " if token.word_start else b"") + token.form
                characters[token.id] = sum(byte & 0xC0 != 0x80 for byte in token.form)
        return cls(surfaces, spaces, characters)

    def text(self, ids: Ids) -> str | None:
        """The text of some tokens; ``None`` if they begin or end within a character."""
        try:
            return b"".join([self.surfaces[id] for id in ids.tolist()]).decode()
        except UnicodeDecodeError:
            return None

    def owners(self, ids: Ids) -> Int64[np.ndarray, " characters"]:
        """Which of some tokens each character of their text belongs to: the one in which it begins."""
        owners = np.full(2 * len(ids), NOBODY)
        owners[1::2] = np.arange(len(ids))
        return np.repeat(owners, np.stack([self.spaces[ids], self.characters[ids]], axis=1).ravel())


@engine("contextual")
@dataclass(frozen=True)
class Contextual(ModelEngine):
    """Reads a part of the corpus with a model, and averages its hidden states over each token's occurrences.

    The text is put together from the target tokens and segmented by the model's own tokenizer. The state of
    an occurrence is the mean of the states of the pieces that it shares characters with, by how many these
    are. The mean of all tokens is taken off, since the states of a transformer share one large direction.
    Tokens that were not met have no vector.

    Attributes:
        path: Folder or hub name of the model; by default the source model itself.
        depth: Which layer: 0 for the embeddings, 1 for the last layer.
        read_tokens: About how many tokens of text to read; rare tokens are looked for.
        excerpt_tokens: How many tokens are read at a time.
    """

    path: str = ""
    depth: Share = 0.5
    read_tokens: Count = 300_000
    excerpt_tokens: Count = 64

    def vectors_of(self, model: Source, inputs: EngineInputs) -> TokenVectors:
        """Read, average, center."""
        corpus, vocabulary = inputs.corpus, inputs.vocabulary
        counts = inputs.counts
        spans = choose_excerpts(
            corpus,
            counts,
            longest_tokens=self.excerpt_tokens,
            total_tokens=self.read_tokens,
            seed=inputs.seed,
        )
        layer = Layer.of(model.model, self.depth)
        backend = _limited(model)
        pad_id = model.tokenizer.pad_token_id or 0
        token_texts = TokenTexts.of(vocabulary)
        sums: Float64[np.ndarray, "target dim"] | None = None
        weights = np.zeros(vocabulary.size)
        with inputs.progress.task("reading with the model", len(spans)) as advance:
            for batch in _batches(corpus, spans, token_texts, backend):
                states = layer.states(*_padded([encoding for _, encoding in batch], pad_id)).cpu().numpy()
                shares = shared_characters(batch, token_texts, states.shape[1])
                if sums is None:
                    sums = np.zeros((vocabulary.size, states.shape[2]))
                sums += shares @ states.reshape(-1, states.shape[2])
                weights += shares.sum(axis=1)
                advance(len(batch))
        if sums is None:
            sums = np.zeros((vocabulary.size, 1))
        met = weights > 0
        matrix = np.zeros(sums.shape, dtype=np.float32)
        matrix[met] = centered(sums[met] / weights[met, None])
        return TokenVectors(matrix, met & np.any(matrix != 0, axis=1), counts)


CHUNK_TOKENS = 1 << 22


def choose_excerpts(
    corpus: TokenizedCorpus,
    counts: Int64[np.ndarray, " size"],
    *,
    longest_tokens: int,
    total_tokens: int,
    seed: int,
) -> Int64[np.ndarray, "excerpts 2"]:
    """Draw excerpts of lines so that rare tokens are met about as often as a short text allows.

    Each line is split into excerpts of at most ``longest_tokens``; some are drawn without replacement, each
    by the weight of its tokens, which is one over their count: every token of the vocabulary asks for the
    same share of the text. The way to draw is that of Efraimidis & Spirakis 2006.

    Args:
        corpus: The text.
        counts: How often each token occurs in it.
        longest_tokens: Longest excerpt.
        total_tokens: About how many tokens to draw.
        seed: Seed of the choice.

    Returns:
        Where each excerpt begins and ends in the ids of the corpus, in the order of the text.
    """
    starts, weights = [], []
    base = 0
    for ids, offsets in corpus.lines_in_chunks(CHUNK_TOKENS):
        lengths = np.diff(offsets)
        per_line = -(-lengths // longest_tokens)
        first = np.repeat(np.cumsum(per_line) - per_line, per_line)
        start = np.repeat(offsets[:-1], per_line) + (np.arange(len(first)) - first) * longest_tokens
        starts.append(base + start)
        rarity = 1.0 / counts[ids]
        weights.append(np.add.reduceat(rarity, start) if len(start) else rarity)
        base += len(ids)
    start = np.concatenate([*starts, [base]]).astype(np.int64)
    spans = np.stack([start[:-1], start[1:]], axis=1)
    draws = np.random.default_rng(seed).random(len(spans))
    order = np.argsort(np.log1p(-draws) / np.concatenate([*weights, []]), kind="stable")[::-1]
    drawn_tokens = np.cumsum(np.diff(spans, axis=1)[order, 0])
    chosen = order[: int(np.searchsorted(drawn_tokens, total_tokens)) + 1]
    return spans[np.sort(chosen)]


POOL = 512
"""Excerpts that are sorted by length together, so that little is padded."""
BATCH = 16
LONGEST_PIECES = 256


def _limited(model: Source) -> Tokenizer:
    """A copy of a model's tokenizer that truncates texts to what the model can read, and batches afford."""
    backend = Tokenizer.from_str(plain_backend(model.tokenizer).to_str())
    backend.enable_truncation(min(LONGEST_PIECES, longest_input_tokens(model.model, model.tokenizer)))
    return backend


Excerpt = tuple[Int64[np.ndarray, " tokens"], Encoding]
"""Target ids, and the pieces into which the model's tokenizer segments their text."""


def _batches(
    corpus: TokenizedCorpus,
    spans: Int64[np.ndarray, "excerpts 2"],
    token_texts: TokenTexts,
    backend: Tokenizer,
) -> Iterator[list[Excerpt]]:
    """Excerpts of similar length, with their encodings."""
    for first in range(0, len(spans), POOL):
        pool = [
            corpus.ids[start:stop].astype(np.int64) for start, stop in spans[first : first + POOL].tolist()
        ]
        texts = [(ids, text) for ids in pool if (text := token_texts.text(ids))]
        encodings = backend.encode_batch([text for _, text in texts])
        excerpts = [(ids, encoding) for (ids, _), encoding in zip(texts, encodings, strict=True)]
        excerpts.sort(key=lambda excerpt: len(excerpt[1]))
        for start in range(0, len(excerpts), BATCH):
            yield excerpts[start : start + BATCH]


def _padded(
    encodings: Sequence[Encoding], pad_id: int
) -> tuple[Int64[Tensor, "texts pieces"], Int64[Tensor, "texts pieces"]]:
    """The ids of some texts, padded to the longest, and a mask that is one where there is text."""
    longest = max(map(len, encodings))
    ids = torch.full((len(encodings), longest), pad_id)
    mask = torch.zeros_like(ids)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = torch.tensor(encoding.ids)
        mask[row, : len(encoding)] = 1
    return ids, mask


def shared_characters(batch: list[Excerpt], token_texts: TokenTexts, longest: int) -> csr_array:
    """Which share of the characters of each target token falls on which piece.

    Args:
        batch: Some excerpts.
        token_texts: The text of each target token.
        longest: Pieces of the longest excerpt; the others are padded to it.

    Returns:
        A row for each target id, a column for each piece of each excerpt, padding included. An occurrence
        adds up to one, less what no piece covers.
    """
    tokens, pieces = [], []
    for number, (ids, encoding) in enumerate(batch):
        owner = token_texts.owners(ids)
        piece = piece_of_characters(encoding, len(owner))
        both = (owner != NOBODY) & (piece != NOBODY)
        tokens.append(ids[owner[both]])
        pieces.append(piece[both] + number * longest)
    rows, columns = np.concatenate(tokens), np.concatenate(pieces)
    shares = 1.0 / token_texts.characters[rows]
    return csr_array((shares, (rows, columns)), shape=(len(token_texts.surfaces), len(batch) * longest))


def piece_of_characters(encoding: Encoding, characters: int) -> Int64[np.ndarray, " characters"]:
    """The piece that each character of a text belongs to; the last one, where several are part of it."""
    spans = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    lengths = spans[:, 1] - spans[:, 0]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    owners = np.full(characters, NOBODY)
    owners[np.repeat(spans[:, 0], lengths) + within] = np.repeat(np.arange(len(spans)), lengths)
    return owners


def centered(matrix: Float64[np.ndarray, "rows dim"]) -> Float32[np.ndarray, "rows dim"]:
    """Take the mean row off."""
    if not len(matrix):
        return matrix.astype(np.float32)
    return np.asarray(matrix - matrix.mean(axis=0), dtype=np.float32)
