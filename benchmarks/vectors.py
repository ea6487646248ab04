"""Token vectors for the benchmarks, without a corpus: sums of random vectors of character n-grams.

Tokens that look alike are near each other, as with fastText, and sparsemax spreads as far: on the words of
`tests/data` its support is 37 anchors in the mean, 77 at most (fastText's on 8 MB of German: 49 and 102; on
50 MB: 17 and 52).
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

BUCKETS = 1 << 17
LENGTHS = range(3, 7)


def ngram_vectors(tokens: Sequence[str], dim: int = 300, seed: int = 42) -> Tensor:
    """Make a vector for each token; the same for the same tokens and seed.

    Args:
        tokens: The tokens' spellings.
        dim: Number of dimensions.
        seed: Seed of the n-grams' vectors.

    Returns:
        One row for each token, in float32.
    """
    buckets = [ngrams(f"<{token}>") for token in tokens]
    starts = torch.tensor([0, *itertools.accumulate(map(len, buckets[:-1]))])
    table = torch.randn(BUCKETS, dim, generator=torch.Generator().manual_seed(seed))
    return F.embedding_bag(
        torch.tensor(list(itertools.chain.from_iterable(buckets))), table, starts, mode="sum"
    )


def ngrams(text: str) -> list[int]:
    """The buckets of all n-grams of a text of at least two characters."""
    return [
        zlib.crc32(text[start : start + length].encode()) % BUCKETS
        for length in LENGTHS
        for start in range(max(1, len(text) - length + 1))
    ]
