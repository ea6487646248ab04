"""What the source model itself makes of target tokens: averages of its hidden states over the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.sparse import csr_array
from tokenizers import Encoding, Tokenizer
from transformers import PreTrainedConfig

from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary, plain_backend
from monoglot.vectors.base import TokenVectors
from monoglot.vectors.excerpts import NOBODY, Spelling, choose_excerpts
from monoglot.vectors.hidden_states import Layer
from monoglot.vectors.pretrained import ModelEngine, Pretrained
from monoglot.vectors.registry import engine

POOL = 512
"""Excerpts that are sorted by length together, so that little is padded."""
BATCH = 16
LONGEST_PIECES = 256


@engine("contextual")
@dataclass(frozen=True)
class Contextual(ModelEngine):
    """Reads a part of the corpus with a model, and averages its hidden states over each token's occurrences.

    The text is put together from the target tokens and cut by the model's own tokenizer. The state of an
    occurrence is the mean of the states of the pieces that it shares characters with, by how many these are.
    The mean of all tokens is taken off, since the states of a transformer share one large direction. Tokens
    that were not met have no vector.

    Attributes:
        path: Folder or hub name of the model; by default the source model itself.
        depth: Which layer: 0 for the embeddings, 1 for the last layer.
        read_tokens: About how many tokens of text to read; rare tokens are looked for.
        excerpt_tokens: How many tokens are read at a time.
    """

    path: str = ""
    depth: float = 0.5
    read_tokens: int = 300_000
    excerpt_tokens: int = 64

    def train_with(
        self,
        model: Pretrained,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        """Read, average, centre."""
        counts = corpus.counts(vocabulary.size)
        spans = choose_excerpts(
            corpus,
            counts,
            longest_tokens=self.excerpt_tokens,
            total_tokens=self.read_tokens,
            seed=seed,
        )
        layer = Layer.of(model.model, self.depth)
        backend = _limited(plain_backend(model.tokenizer), model.model.config)
        pad_id = model.tokenizer.pad_token_id or 0
        spelling = Spelling.of(vocabulary)
        sums: Float64[np.ndarray, "target dim"] | None = None
        weights = np.zeros(vocabulary.size)
        with progress.task("reading with the model", len(spans)) as advance:
            for batch in _batches(corpus, spans, spelling, backend):
                states = layer.states([encoding for _, encoding in batch], pad_id).cpu().numpy()
                shares = shared_characters(batch, spelling, states.shape[1])
                if sums is None:
                    sums = np.zeros((vocabulary.size, states.shape[2]))
                sums += shares @ states.reshape(-1, states.shape[2])
                weights += shares.sum(axis=1)
                advance(len(batch))
        if sums is None:
            sums = np.zeros((vocabulary.size, 1))
        met = weights > 0
        matrix = np.zeros(sums.shape, dtype=np.float32)
        matrix[met] = centred(sums[met] / weights[met, None])
        return TokenVectors(matrix, met & np.any(matrix != 0, axis=1), counts)


Excerpt = tuple[Int64[np.ndarray, " tokens"], Encoding]
"""Target ids, and the pieces into which the model's tokenizer cuts their text."""


def shared_characters(batch: list[Excerpt], spelling: Spelling, longest: int) -> csr_array:
    """Which share of the characters of each target token falls on which piece.

    Args:
        batch: Some excerpts.
        spelling: How target tokens are spelled.
        longest: Pieces of the longest excerpt; the others are padded to it.

    Returns:
        A row for each target id, a column for each piece of each excerpt, padding included. An occurrence
        adds up to one, less what no piece covers.
    """
    tokens, pieces = [], []
    for number, (ids, encoding) in enumerate(batch):
        owner = spelling.owners(ids)
        piece = piece_of_characters(encoding, len(owner))
        both = (owner != NOBODY) & (piece != NOBODY)
        tokens.append(ids[owner[both]])
        pieces.append(piece[both] + number * longest)
    rows, columns = np.concatenate(tokens), np.concatenate(pieces)
    shares = 1.0 / spelling.characters[rows]
    return csr_array((shares, (rows, columns)), shape=(len(spelling.surfaces), len(batch) * longest))


def piece_of_characters(encoding: Encoding, characters: int) -> Int64[np.ndarray, " characters"]:
    """The piece that each character of a text belongs to; the last one, where several are part of it."""
    spans = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    lengths = spans[:, 1] - spans[:, 0]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    owners = np.full(characters, NOBODY)
    owners[np.repeat(spans[:, 0], lengths) + within] = np.repeat(np.arange(len(spans)), lengths)
    return owners


def centred(matrix: Float64[np.ndarray, "rows dim"]) -> Float32[np.ndarray, "rows dim"]:
    """Take the mean row off."""
    if not len(matrix):
        return matrix.astype(np.float32)
    return np.asarray(matrix - matrix.mean(axis=0), dtype=np.float32)


def _limited(backend: Tokenizer, config: PreTrainedConfig) -> Tokenizer:
    """A copy of the tokenizer that cuts off what the model has no positions for."""
    # Some models number positions from 2 on.
    positions = getattr(config.get_text_config(), "max_position_embeddings", None) or LONGEST_PIECES
    backend = Tokenizer.from_str(backend.to_str())
    backend.enable_truncation(min(LONGEST_PIECES, positions - 2))
    return backend


def _batches(
    corpus: TokenizedCorpus,
    spans: Int64[np.ndarray, "excerpts 2"],
    spelling: Spelling,
    backend: Tokenizer,
) -> Iterator[list[Excerpt]]:
    """Excerpts of similar length, with their encodings."""
    for first in range(0, len(spans), POOL):
        pool = [
            corpus.ids[start:stop].astype(np.int64) for start, stop in spans[first : first + POOL].tolist()
        ]
        texts = [(ids, text) for ids in pool if (text := spelling.text(ids))]
        encodings = backend.encode_batch([text for _, text in texts])
        excerpts = [(ids, encoding) for (ids, _), encoding in zip(texts, encodings, strict=True)]
        excerpts.sort(key=lambda excerpt: len(excerpt[1]))
        for start in range(0, len(excerpts), BATCH):
            yield excerpts[start : start + BATCH]
