"""Static vectors of target tokens: the auxiliary space in which neighbours are looked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

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


class Pretrained(Protocol):
    """A model and its tokenizer, each loaded when it is asked for; `pipeline.source.Source` is one."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer."""
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokenizer's tokens."""
        ...

    @property
    def embeddings(self) -> Float[Tensor, "rows dim"]:
        """The table that token ids are looked up in."""
        ...

    @property
    def model(self) -> PreTrainedModel:
        """The model, in evaluation mode."""
        ...


class ModelEngine(Engine):
    """An engine that looks into a pretrained model, which whoever may load models has to hand it.

    Its field ``path`` names the model, by folder or hub name; empty for the source model itself.
    """

    path: str

    @abstractmethod
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
        """Make a vector for each token; ``model`` is looked into, the rest is as in ``Engine.train``."""

    def given(self, model: Pretrained) -> Engine:
        """The same engine, with the model that it looks into."""
        return _Given(self, model)

    def train(
        self,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        """Refuse to work without a model.

        Raises:
            VectorsError: Always; ``given(model)`` is the engine that works.
        """
        raise VectorsError(
            f"the engine {type(self).__name__} looks into a model and has none; use given(model) first."
        )


@dataclass(frozen=True)
class _Given(Engine):
    """An engine together with its model."""

    engine: ModelEngine
    model: Pretrained

    def train(
        self,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        return self.engine.train_with(
            self.model, corpus, vocabulary, seed=seed, threads=threads, progress=progress
        )
