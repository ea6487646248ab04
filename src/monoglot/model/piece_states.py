"""The states that a model gives to the pieces of a token, where they stand alone."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from transformers import PreTrainedModel

from monoglot.model.hidden_states import Layer
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.special_token_template import SpecialTokenTemplate

READ_TOKENS = 4096
"""Pieces that are read at a time."""


def states_of_pieces(
    source: PreTrainedModel, template: SpecialTokenTemplate, pieces: Pieces, *, depth: float
) -> tuple[Float32[Tensor, "new dim"], Float32[Tensor, "new dim"]]:
    """Read the pieces of each new token as a text of its own.

    Args:
        source: The model that pieces are tokens of.
        template: The special tokens around a text.
        pieces: The pieces of each token.
        depth: Which layer: 0 is the embeddings, 1 the last layer.

    Returns:
        The mean state of a token's pieces, and the state of the last; zero for a token without pieces.
    """
    layer = Layer.of(source, depth)
    counts, starts = np.diff(pieces.indptr), pieces.indptr[:-1]
    width = source.config.get_text_config().hidden_size
    mean, last = torch.zeros(len(counts), width), torch.zeros(len(counts), width)
    for count in np.unique(counts[counts > 0]).tolist():  # texts of one length need no padding
        texts = count + template.tokens
        alike = np.flatnonzero(counts == count)
        for some in np.array_split(alike, -(-len(alike) * texts // READ_TOKENS)):
            ids = np.empty((len(some), texts), np.int64)
            ids[:, : len(template.before)] = template.before
            ids[:, len(template.before) + count :] = template.after
            inner = slice(len(template.before), len(template.before) + count)
            ids[:, inner] = pieces.ids[starts[some][:, None] + np.arange(count)]
            states = layer.states(torch.from_numpy(ids), torch.ones(ids.shape, dtype=torch.long))[:, inner]
            mean[some], last[some] = states.mean(dim=1).cpu(), states[:, -1].cpu()
    return mean, last
