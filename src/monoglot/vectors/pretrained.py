"""Engines that look into a pretrained model, and how they come by it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import VectorsError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.base import Engine, TokenVectors


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
