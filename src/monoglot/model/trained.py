"""Which rows of an embedding table were ever trained, as far as the table and its tokenizer tell."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from monoglot.tokenization.roles import is_reserved
from monoglot.tokenization.vocabulary import Vocabulary

BLOCK_ROWS = 1 << 14


def trained_rows(table: Float[Tensor, "rows dim"], vocabulary: Vocabulary) -> Bool[np.ndarray, " size"]:
    """Tell for each source id whether its row may shape means, noise and mixtures.

    A row counts as untrained if no token has its id, if its token is spelled as one held in reserve, if it
    is zero, or if another row holds exactly the same numbers (rows filled with one mean, or only ever moved
    by weight decay). A rare token whose row was initialised and hardly ever trained is not recognised.

    Args:
        table: The source embeddings.
        vocabulary: The source vocabulary.

    Returns:
        One entry for each id below ``vocabulary.size``; ids beyond the table count as untrained.
    """
    trained = np.zeros(vocabulary.size, dtype=bool)
    trained[[token.id for token in vocabulary.tokens if not is_reserved(token.text)]] = True
    fingerprints = _fingerprints(table[: vocabulary.size])
    trained[len(fingerprints) :] = False
    _, group, sizes = np.unique(fingerprints, return_inverse=True, return_counts=True)
    trained[: len(fingerprints)] &= (sizes[group] == 1) & (fingerprints != 0)
    return trained


def _fingerprints(table: Float[Tensor, "rows dim"]) -> Int64[np.ndarray, " rows"]:
    """An exact 64-bit hash of each row; equal rows have equal ones and a zero row has 0."""
    factors = np.random.default_rng(0).integers(1, 2**62, table.shape[1]) * 2 + 1
    table = table.detach().cpu()
    blocks = (table[start : start + BLOCK_ROWS].float() for start in range(0, len(table), BLOCK_ROWS))
    # Adding 0.0 turns -0.0 into 0.0; the products overflow on purpose.
    hashes = [
        ((block + 0.0).view(torch.int32).numpy().astype(np.int64) * factors).sum(axis=1) for block in blocks
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *hashes])
