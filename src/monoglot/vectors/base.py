"""Static vectors of target tokens: the auxiliary space in which neighbours are looked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Bool, Float32, Int64
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from monoglot.errors import VectorsError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary

_ARRAYS = ("matrix", "usable", "counts")


@dataclass(frozen=True)
class TokenVectors:
    """One static vector for each target id.

    Attributes:
        matrix: The vectors; rows of tokens that have none are zero.
        usable: Whether a token has a vector that may be compared with others.
        counts: How often each token occurs in the training text.
    """

    matrix: Float32[np.ndarray, "target dim"]
    usable: Bool[np.ndarray, " target"]
    counts: Int64[np.ndarray, " target"]

    def save(self, path: Path) -> None:
        """Write the three arrays as safetensors."""
        save_file({name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}, path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            VectorsError: If the file is no such file.
        """
        try:
            arrays = load_file(path)
        except (OSError, SafetensorError) as error:
            raise VectorsError(
                f"{path} can't be read as token vectors ({error}); train them again."
            ) from None
        if set(arrays) != set(_ARRAYS):
            raise VectorsError(
                f"{path} holds the arrays {', '.join(sorted(arrays)) or 'none'}, but token vectors are "
                f"{', '.join(_ARRAYS)}; give a .npy or .vec file to use vectors made elsewhere."
            )
        return cls(**arrays)


class Engine(ABC):
    """A way to come by static vectors; its fields are its settings."""

    @abstractmethod
    def train(
        self,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        """Make a vector for each token.

        Args:
            corpus: Text of the target language in target tokens.
            vocabulary: The target tokens.
            seed: Seed of all that is drawn.
            threads: How many threads may be used.
            progress: Where to show how far the work is.

        Returns:
            As many rows as the vocabulary spans.
        """
