"""What new tokens have in common: how their embeddings follow from those of their pieces.

A token that a text shows twice hardly learns by itself. What frequent tokens learn is for the most part the
same for all, though: how a model wants a word's pieces put together. So the row of a new token `t` is

    e_t = r_t + x_t W + b

while it learns: `r_t` is its own, `W` and `b` are those of all new tokens, and `x_t` is what it was made of,
which stays as it is. In the end the sum is its row. `x_t` has the rows of the token's pieces, and the states
that a layer of the source model gives to these pieces where they stand alone: its first layers put words
together from pieces, which no linear function of their rows does. (ZeTT, Minixhofer et al. 2024, predicts
rows from pieces by a network that is trained beforehand; this is a linear one, trained along.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.model.hidden_states import change_output
from monoglot.model.piece_states import states_of_pieces
from monoglot.tokenization.pieces import Pieces, source_pieces
from monoglot.tokenization.special_token_template import SpecialTokenTemplate
from monoglot.tokenization.vocabulary import Vocabulary

RATE = 3e-5
"""Learning rate. Each of its steps moves all new rows at once: ten times as much makes a start worse."""
MOST_PIECES = 7
"""Tokens of more pieces count as ones of so many."""
BLOCK_ROWS = 8192
DEPTH = 1 / 3
"""Which layer reads the pieces: 0 is the embeddings, 1 the last layer (docs/distillation.md)."""


class Composition(nn.Module):
    """A linear function of the pieces of new tokens, added to their rows of a table.

    Attributes:
        weight: `W` and, as its last rows, a `b` for each number of pieces.
        features: What each new token is made of.
        places: For each row of the table its row of ``features``, or -1.
    """

    features: Float[Tensor, "new inputs"]
    places: Int64[Tensor, " rows"]

    def __init__(
        self, features: Float[Tensor, "new inputs"], places: Int64[Tensor, " rows"], width: int
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features.shape[1], width, device=features.device))
        # Both are made anew where a run resumes.
        self.register_buffer("features", features, persistent=False)
        self.register_buffer("places", places, persistent=False)

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        source: PreTrainedModel,
        source_tokenizer: PreTrainedTokenizerFast,
        new_rows: Bool[np.ndarray, " rows"],
    ) -> Self | None:
        """Look up what a model's new tokens are made of, and add their composition to its embeddings.

        Args:
            model: The student before any training; a hook is added to its embeddings.
            tokenizer: Its tokenizer.
            source: The model that it was made of.
            source_tokenizer: Its tokenizer, which cuts new tokens to pieces.
            new_rows: Which rows are new.

        Returns:
            The composition, which is zero at first; none where nothing is new, or where embeddings are more
            than a table that is looked up, such as a scaled one or one that the output head shares.
        """
        table: Any = model.get_input_embeddings()
        old: Any = source.get_input_embeddings()
        plain = type(table) is nn.Embedding and type(old) is nn.Embedding
        output = model.get_output_embeddings()
        is_shared = output is not None and getattr(output, "weight", None) is getattr(table, "weight", None)
        vocabulary = Vocabulary.of(tokenizer)
        # Ids may have gaps, and tables more rows than there are ids: what no token has is made of nothing.
        ids = np.intersect1d(np.flatnonzero(new_rows), vocabulary.ids)
        if not plain or is_shared or not len(ids):
            return None
        pieces = source_pieces(source_tokenizer, vocabulary, ids)
        pieces = pieces.kept(pieces.ids < len(old.weight))  # added tokens may have no row
        states = states_of_pieces(source, SpecialTokenTemplate.of(source_tokenizer), pieces, depth=DEPTH)
        made_of = features(table.weight.detach()[ids], old.weight.detach(), pieces, states)
        places = torch.full((len(table.weight),), -1)
        places[ids] = torch.arange(len(ids))
        composition = cls(made_of, places, table.weight.shape[1]).to(table.weight.device)
        change_output(table, lambda ids, rows: rows + composition(ids).to(rows.dtype))
        return composition

    def forward(self, ids: Int64[Tensor, "*shape"]) -> Float32[Tensor, "*shape dim"]:
        """Compute what is added to the rows of some ids: zero for those that are not new."""
        places = self.places[ids]
        # Rounded to bfloat16, it would not be what is added in the end.
        with torch.autocast(ids.device.type, enabled=False):
            rows = self.features[places.clamp(min=0)].to(self.weight) @ self.weight
        return rows * (places >= 0).unsqueeze(-1)

    def added_to(
        self, rows: Float32[Tensor, "rows dim"], weight: Float32[Tensor, "inputs dim"]
    ) -> Float32[Tensor, "rows dim"]:
        """Compute the table with its composition in it.

        Args:
            rows: The table without.
            weight: The trained weight.
        """
        added, places = rows.clone(), self.places.cpu()
        for ids in torch.nonzero(places >= 0).squeeze(1).split(BLOCK_ROWS):
            added[ids] += self.features[places[ids]].cpu().to(weight) @ weight
        return added


def features(
    rows: Float32[Tensor, "new dim"],
    source: Float[Tensor, "pieces dim"],
    pieces: Pieces,
    states: Iterable[Float32[Tensor, "new width"]] = (),
) -> Float[Tensor, "new inputs"]:
    """What new tokens are made of: their first rows, and their pieces' rows.

    Args:
        rows: Their rows before any training.
        source: Embeddings of the model that pieces are tokens of.
        pieces: The pieces of each.
        states: States of these pieces, as `states_of_pieces` gives them.

    Returns:
        The token's row; its first piece's, its second's if that is not the last, its last's, and the mean of
        all, scaled to a deviation of one; the number of pieces, a one among zeros; and the states, centered
        and scaled alike. As float16: it is the largest thing that a composition needs.
    """
    counts, starts = np.diff(pieces.indptr), pieces.indptr[:-1]
    dim = rows.shape[1]
    owner = torch.from_numpy(np.repeat(np.arange(len(counts)), counts))
    every = source[torch.from_numpy(pieces.ids)].to(rows)
    mean = torch.zeros_like(rows).index_add_(0, owner.to(rows.device), every)
    mean /= torch.from_numpy(np.maximum(counts, 1)).to(rows)[:, None]

    def piece(number: np.ndarray, has_it: np.ndarray) -> Tensor:
        found = torch.zeros(len(counts), dim).to(rows)
        found[has_it] = every[(starts + number)[has_it]]
        return found

    parts = [
        rows,
        piece(np.zeros_like(counts), counts > 0),
        piece(np.ones_like(counts), counts > 2),
        piece(counts - 1, counts > 0),
        mean,
    ]
    scale = float(torch.cat(parts).std().clamp(min=1e-6))
    numbers = torch.nn.functional.one_hot(torch.from_numpy(counts).clamp(max=MOST_PIECES), MOST_PIECES + 1)
    centered = [(one - one.mean(dim=0)).to(rows) for one in states]
    scaled = [one / one.std(correction=0).clamp(min=1e-6) for one in centered]
    return torch.cat([*(part / scale for part in parts), numbers.to(rows), *scaled], dim=1).half()
