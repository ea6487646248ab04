"""Static vectors of target tokens (the auxiliary space of FOCUS), and the contract of their engines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from monoglot.errors import VectorsError, first_line
from monoglot.model.source import Source
from monoglot.options import check_types
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

    @classmethod
    def of(cls, matrix: Float[np.ndarray, "target dim"]) -> Self:
        """Take vectors that were made elsewhere; rows of zeros are tokens without one.

        Raises:
            VectorsError: If it is no matrix of finite numbers.
        """
        try:
            rows = np.asarray(matrix)
        except (TypeError, ValueError, RuntimeError) as error:
            raise VectorsError(
                f"auxiliary vectors are a NumPy matrix with a row for each target id, got "
                f"{type(matrix).__name__} ({first_line(error)}): give an array, or "
                "tensor.detach().float().cpu().numpy() of a tensor"
            ) from None
        if rows.ndim != 2 or not (
            np.issubdtype(rows.dtype, np.floating) or np.issubdtype(rows.dtype, np.integer)
        ):
            raise VectorsError(
                f"auxiliary vectors are a matrix of numbers with a row for each target id, got an array of "
                f"{rows.dtype} with {rows.ndim} dimensions"
            )
        with np.errstate(over="ignore"):
            rows = rows.astype(np.float32)
        if len(broken := np.flatnonzero(~np.isfinite(rows).all(axis=1))):
            raise VectorsError(
                f"{len(broken):,} auxiliary vectors are not finite in float32 (the first is row "
                f"{broken[0]}): set the rows of tokens without a vector to zero"
            )
        return cls(rows, np.any(rows != 0, axis=1), np.zeros(len(rows), np.int64))

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


@dataclass(frozen=True)
class EngineInputs:
    """What an engine makes vectors from.

    Attributes:
        corpus: Text of the target language in target tokens.
        vocabulary: The target tokens.
        seed: Seed of every random choice.
        threads: Number of threads that may be used.
        progress: Where to show how far the work is.
        model: The model that a `ModelEngine` reads.
    """

    corpus: TokenizedCorpus
    vocabulary: Vocabulary
    seed: int
    threads: int = 1
    progress: Progress = SILENT
    model: Source | None = None

    @property
    def counts(self) -> Int64[np.ndarray, " target"]:
        """Occurrences of each target id in the corpus."""
        return self.corpus.counts(self.vocabulary.size)


class Engine(ABC):
    """A way to come by static vectors of target tokens; its fields are its settings."""

    def __post_init__(self) -> None:
        """Refuse values of another type than their field's, and numbers out of bounds.

        Raises:
            SettingError: If there is one.
        """
        check_types(self, type(self).__name__)

    def train(
        self,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
        model: Source | None = None,
    ) -> TokenVectors:
        """Make a vector for each token; the arguments are those of `EngineInputs`.

        Returns:
            As many rows as the vocabulary spans.

        Raises:
            VectorsError: If the engine can make none, or reads a model and got none.
        """
        return self.vectors(EngineInputs(corpus, vocabulary, seed, threads, progress, model))

    @abstractmethod
    def vectors(self, inputs: EngineInputs) -> TokenVectors:
        """Make a vector for each token: what each engine defines."""


class ModelEngine(Engine):
    """An engine that reads a pretrained model.

    Its field ``path`` names the model, by folder or hub name; empty for the source model itself. Whoever may
    load models hands it over.
    """

    path: str

    def vectors(self, inputs: EngineInputs) -> TokenVectors:
        """Refuse to work without a model.

        Raises:
            VectorsError: If there is none.
        """
        if inputs.model is None:
            raise VectorsError(
                f"the engine {type(self).__name__} reads a model and got none: give train(…, model=…) one"
            )
        return self.vectors_of(inputs.model, inputs)

    @abstractmethod
    def vectors_of(self, model: Source, inputs: EngineInputs) -> TokenVectors:
        """Make a vector for each token with the help of a model."""
