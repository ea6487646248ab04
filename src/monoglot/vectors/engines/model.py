"""Embeddings of a helper model as auxiliary vectors, for a tokenizer that shares tokens with the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monoglot.errors import VectorsError
from monoglot.model.source import Source
from monoglot.tokenization.overlap import MatchKind, match
from monoglot.vectors.engine import EngineInputs, ModelEngine, TokenVectors
from monoglot.vectors.registry import engine


@engine("model")
@dataclass(frozen=True)
class HelperModel(ModelEngine):
    """Takes the input embeddings of another model of the target language, usually a smaller one.

    Tokens meet as in the overlap of source and target: by their bytes and word starts. Target tokens that the
    helper does not have get no vector; neither do special tokens.

    Reference: Ostendorff & Rehm 2023, "Efficient Language Model Training through Cross-Lingual and
    Progressive Transfer Learning" (arXiv 2301.09626), where the helper has the target's own tokenizer.

    Attributes:
        path: Folder or hub name of the helper.
    """

    path: str

    def vectors_of(self, model: Source, inputs: EngineInputs) -> TokenVectors:
        """Look up the rows of the shared tokens; the corpus only tells how frequent they are.

        Raises:
            VectorsError: If no token is shared.
        """
        vocabulary = inputs.vocabulary
        pairs = match(model.vocabulary, vocabulary)
        ordinary = pairs.kinds != MatchKind.ROLE
        if not ordinary.any():
            raise VectorsError(
                f"the helper {self.path} shares none of the {len(vocabulary):,} target tokens; "
                "give a model whose tokenizer is the target's or like it."
            )
        table = model.embeddings
        matrix = np.zeros((vocabulary.size, table.shape[1]), dtype=np.float32)
        rows = table[pairs.source_ids[ordinary]].detach().float().cpu().numpy()
        matrix[pairs.target_ids[ordinary]] = rows
        usable = np.isfinite(matrix).all(axis=1) & np.any(matrix != 0, axis=1)
        matrix[~usable] = 0
        return TokenVectors(matrix, usable, inputs.counts)
