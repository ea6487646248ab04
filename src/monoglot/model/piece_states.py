"""The states that a model gives to the pieces of a token, where they stand alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.model.hidden_states import Layer
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.tokenization.splits import segment_own_tokens

READ_TOKENS = 4096
"""Pieces that are read at a time."""


def states_of_pieces(
    source: PreTrainedModel,
    template: SpecialTokenTemplate,
    pieces: Pieces,
    *,
    depth: float,
    progress: Progress = SILENT,
) -> tuple[Float32[Tensor, "new dim"], Float32[Tensor, "new dim"]]:
    """Read the pieces of each new token as a text of its own.

    Args:
        source: The model that pieces are tokens of.
        template: The special tokens around a text.
        pieces: The pieces of each token.
        depth: Which layer: 0 is the embeddings, 1 the last layer.
        progress: Where to show how far it is.

    Returns:
        The mean state of a token's pieces, and the state of the last; zero for a token without pieces.

    Raises:
        ModelError: If the model can't be read so, or its states are not finite.
    """
    layer = Layer.of(source, depth)
    counts, starts = np.diff(pieces.indptr), pieces.indptr[:-1]
    width = source.config.get_text_config().hidden_size
    mean, last = torch.zeros(len(counts), width), torch.zeros(len(counts), width)
    with progress.task("reading the pieces of tokens", int(np.count_nonzero(counts))) as advance:
        for count in np.unique(counts[counts > 0]).tolist():  # texts of one length need no padding
            texts = count + template.tokens
            alike = np.flatnonzero(counts == count)
            for some in np.array_split(alike, -(-len(alike) * texts // READ_TOKENS)):
                ids = np.empty((len(some), texts), np.int64)
                ids[:, : len(template.before)] = template.before
                ids[:, len(template.before) + count :] = template.after
                inner = slice(len(template.before), len(template.before) + count)
                ids[:, inner] = pieces.ids[starts[some][:, None] + np.arange(count)]
                mask = torch.ones(ids.shape, dtype=torch.long)
                states = layer.states(torch.from_numpy(ids), mask)[:, inner]
                mean[some], last[some] = states.mean(dim=1).cpu(), states[:, -1].cpu()
                advance(len(some))
    if not (mean.isfinite().all() and last.isfinite().all()):
        raise ModelError(
            f"the states of layer {layer.number} of {type(source).__name__} are not finite in "
            f"{source.dtype}; expected numbers: give a source with weights in float32 or bfloat16, or "
            "--method blend"
        )
    return mean, last


@dataclass(frozen=True)
class PieceReader:
    """A model and its tokenizer, for methods that read pieces with them.

    Attributes:
        model: The model.
        tokenizer: Its tokenizer.
        memo: States that are asked for again where a method is applied to several vocabularies.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    memo: dict[tuple[float, bytes, bytes], tuple[Tensor, Tensor]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def template(self) -> SpecialTokenTemplate:
        """The special tokens around a text."""
        return SpecialTokenTemplate.of(self.tokenizer)

    def segmenter(self) -> Callable[[int], tuple[int, ...]]:
        """Make what gives the pieces of a token as if the tokenizer did not have it.

        It holds a copy of the vocabulary, see `segment_own_tokens`.
        """
        return segment_own_tokens(self.tokenizer)

    def states(
        self, pieces: Pieces, *, depth: float, keep: bool = False, progress: Progress = SILENT
    ) -> tuple[Float32[Tensor, "tokens dim"], Float32[Tensor, "tokens dim"]]:
        """Read the pieces of each token as a text of its own, see `states_of_pieces`.

        Args:
            pieces: The pieces of each token.
            depth: Which layer: 0 is the embeddings, 1 the last layer.
            keep: Whether to remember the states, because they will be asked for again.
            progress: Where to show how far it is.
        """
        key = depth, pieces.indptr.tobytes(), pieces.ids.tobytes()
        if key in self.memo:
            return self.memo[key]
        found = states_of_pieces(self.model, self.template, pieces, depth=depth, progress=progress)
        if keep:
            self.memo[key] = found
        return found
