"""Regression: each missing token's row is predicted from what the source model reads in its pieces."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar  # noqa: F401 - Any is the type of inherited fields

import numpy as np
import torch
from jaxtyping import Float16, Float32, Int64
from torch import Tensor

from monoglot.initialization.initialize import pieces_by_length
from monoglot.initialization.methods.blend import Blend
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import weighted_sums
from monoglot.maths.ridge import RidgeRegression
from monoglot.maths.sparse import SparseRows, offsets
from monoglot.options import Count, CountOrZero, Share  # noqa: F401 - CountOrZero is that of another one
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.scripts import COMMON, script_of

logger = logging.getLogger(__name__)

MOST_PIECES = 4
"""Tokens of more pieces count as ones of so many."""
FEWEST_PIECES = 2
"""A token of fewer pieces has nothing to put together."""
FEWEST_EXAMPLES = 50
"""With fewer, what is learned is chance."""
WORD = {"L", "M"}
"""Letters and their marks, which vowels are in many scripts: what words are written with."""


@cache
def _kind(character: str) -> str:
    """The first letter of a character's Unicode category."""
    return unicodedata.category(character)[0]


@register("regression")
@dataclass(frozen=True)
class Regression(Blend):
    """``e = (1 - s) blend + s (p + x W)``: a blend, and a row that the source's own tokens teach to predict.

    The first layers of a transformer put words together from their pieces, which no mixture of rows does. So
    tokens of the source are segmented as if the source did not have them; ``W`` is the ridge regression from
    what is then known of them to their rows, less the mean ``p`` of their pieces by length. ``x`` is that
    mean, the mean state that a layer of the source gives to the pieces where they stand alone, the state of
    the last piece, and how many pieces there are (by merges, a token of the source always has two). Missing
    tokens that are a single piece are blended only. Examples are words and parts of words; what is learned
    of them is applied to numbers and marks as well.

    Only the input embeddings, with a head that is tied to them, are predicted: an output head of its own and
    an output bias are blended. Measured in docs/methods.md. ZeTT (Minixhofer et al. 2024, arXiv 2405.07883)
    predicts rows by a network that is trained beforehand; this is a linear function, fitted in seconds.

    Attributes:
        predicted_share: Weight of the predicted row, from 0 to 1.
        examples: How many tokens of the source to learn from: those of the scripts of missing tokens first.
        depth: Which layer of the source reads pieces: 0 for the embeddings, 1 for the last layer.
    """

    reads_model: ClassVar[bool] = True
    predicted_share: Share = 2 / 3
    examples: Count = 10_000
    depth: Share = 0.5

    def correction(
        self, transfer: Transfer, rows: SparseRows, progress: Progress = SILENT
    ) -> Float16[np.ndarray, "missing dim"] | None:
        """How far the predicted row of each missing token is from its blend, times the share."""
        trained = transfer.pieces.kept(transfer.trained[transfer.pieces.ids])
        places = np.flatnonzero((np.diff(trained.indptr) >= FEWEST_PIECES) & (rows.lengths > 0))
        if not len(places):
            return None
        ids, pieces = self._examples(transfer)
        if len(ids) < FEWEST_EXAMPLES:
            logger.warning(
                "of the source's tokens, %d are words that it could also segment, too few to learn from (%d "
                "are needed): new rows are blended and not predicted",
                len(ids),
                FEWEST_EXAMPLES,
            )
            return None
        table, reader = transfer.required_embeddings, transfer.required_reader
        wanted = trained.select(places)
        states = reader.states(pieces, depth=self.depth, keep=True, progress=progress)
        known = _put_together(pieces, states, transfer)
        states = reader.states(wanted, depth=self.depth, progress=progress)
        asked = _put_together(wanted, states, transfer)
        scales = [max(float(part.std()), 1e-6) for part in known[:-1]] + [1.0]
        own = table[torch.from_numpy(ids).to(table.device)].float().cpu().numpy()
        ridge = RidgeRegression.fit(_inputs(known, scales), own - known[0])
        predicted = asked[0] + ridge.predict(_inputs(asked, scales))
        blended = weighted_sums(rows.select(places), table).cpu().numpy()
        found = np.zeros((len(rows), table.shape[1]), np.float16)
        found[places] = self.predicted_share * (predicted - blended)
        return found

    def _examples(self, transfer: Transfer) -> tuple[Int64[np.ndarray, " examples"], Pieces]:
        """Choose words and parts of words of the source that have two pieces or more without themselves.

        Those of the scripts of the missing tokens come first; each group in an order drawn from the seed.
        """
        segment = transfer.required_reader.segmenter()
        missing = {transfer.target.by_id[id].form for id in transfer.overlap.missing.tolist()}
        scripts = {script_of(form.decode("utf-8", "ignore")) for form in missing} - {COMMON}
        tokens = [token for token in transfer.source.tokens if transfer.trained[token.id] and not token.roles]
        tokens = [tokens[i] for i in np.random.default_rng(transfer.seed).permutation(len(tokens))]
        texts = [token.form.decode("utf-8", "replace") for token in tokens]
        others = [script_of(text) not in scripts for text in texts]
        ids: list[int] = []
        lists: list[tuple[int, ...]] = []
        for place in np.argsort(others, kind="stable").tolist():
            if len(ids) == self.examples:
                break
            if len(texts[place]) < 2 or not set(map(_kind, texts[place])) <= WORD:
                continue
            pieces = segment(tokens[place].id)
            # The space of a word's beginning is no piece that a text would be read in.
            if len(pieces) < FEWEST_PIECES or not all(self._is_text(transfer, piece) for piece in pieces):
                continue
            ids.append(tokens[place].id)
            lists.append(pieces)
        lengths = np.array([len(pieces) for pieces in lists], np.int64)
        flat = np.array([piece for pieces in lists for piece in pieces], np.int64)
        return np.array(ids, np.int64), Pieces(offsets(lengths), flat)

    @staticmethod
    def _is_text(transfer: Transfer, id: int) -> bool:
        """Whether a source token was trained and is more than the mark of a word's beginning."""
        token = transfer.source.by_id.get(id)
        return token is not None and bool(transfer.trained[id]) and bool(token.form.strip())


Known = tuple[
    Float32[np.ndarray, "tokens dim"],
    Float32[np.ndarray, "tokens width"],
    Float32[np.ndarray, "tokens width"],
    Float32[np.ndarray, "tokens numbers"],
]
"""Of each token: its pieces' mean row, their mean state, the last one's state, and a one for their number."""


def _put_together(pieces: Pieces, states: tuple[Tensor, Tensor], transfer: Transfer) -> Known:
    """What is known of tokens by their pieces."""
    mean, last = states
    rows = weighted_sums(pieces_by_length(transfer, pieces), transfer.required_embeddings)
    counts = np.diff(pieces.indptr).clip(max=MOST_PIECES)
    numbers = np.eye(MOST_PIECES + 1, dtype=np.float32)[counts][:, FEWEST_PIECES:]
    return rows.cpu().numpy(), mean.numpy(), last.numpy(), numbers


def _inputs(known: Known, scales: Sequence[float]) -> Float32[np.ndarray, "tokens inputs"]:
    """Each part in units of its deviation among the examples, so that one penalty suits all."""
    return np.concatenate([part / scale for part, scale in zip(known, scales, strict=True)], axis=1)
