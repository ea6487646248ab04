"""Auxiliary vectors of one target vocabulary: which are compared, each trained once, on the same tokens."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from monoglot.corpus import open_corpus
from monoglot.model.source import Source
from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import TokenVectors
from monoglot.vectors.registry import get_engine

CONTEXTUAL = "contextual states of the source"
SPACES: dict[str, tuple[str, dict[str, Any]]] = {
    "cooccurrence": ("cooccurrence", {}),
    "characters": ("characters", {}),
    CONTEXTUAL: ("contextual", {}),
    "fastText, 100 dimensions": ("fasttext", {"dim": 100}),
    "fastText, 300 dimensions": ("fasttext", {"dim": 300}),
}
"""Engine and options of each."""
BYTES = {"small": 6_000_000, "paper": 10**12}
"""Text that vectors are trained on."""
READ_TOKENS = {"small": 50_000, "paper": 3_000_000}
"""Text that the source reads for its contextual states."""


@dataclass(frozen=True)
class Spaces:
    """The vectors of one vocabulary, kept in files.

    Attributes:
        folder: Where they go.
        tokenizer: The target tokenizer.
        corpus: The text that they are trained on.
        source: The model whose contextual states are read.
    """

    folder: Path
    tokenizer: PreTrainedTokenizerFast
    corpus: Path
    source: Source

    @cached_property
    def tokens(self) -> TokenizedCorpus:
        """The text in target tokens."""
        folder = self.folder / "tokens"
        if not (folder / "offsets.npy").exists():
            folder.mkdir(exist_ok=True)
            encode_corpus(self.tokenizer, open_corpus([str(self.corpus)]).lines(), folder, threads=1)
        return TokenizedCorpus.open(folder)

    def named(self, name: str, read_tokens: int, seed: int) -> TokenVectors:
        """One of `SPACES`.

        Args:
            name: Its name.
            read_tokens: How much text the source reads for its contextual states.
            seed: Seed of the training.
        """
        engine, options = SPACES[name]
        if name == CONTEXTUAL:
            options = {"read_tokens": read_tokens}
        return self.vectors(plain(name), engine, options, seed)

    def vectors(self, name: str, engine: str, options: Mapping[str, Any], seed: int) -> TokenVectors:
        """Vectors of an engine, trained once, with their cost beside them.

        Args:
            name: Name of their file.
            engine: What makes them.
            options: Its settings.
            seed: Seed of the training.
        """
        file = self.folder / f"{name}.safetensors"
        if not file.exists():
            tokens, start = self.tokens, time.process_time()
            made = get_engine(engine, options).train(
                tokens, Vocabulary.of(self.tokenizer), seed=seed, threads=1, model=self.source
            )
            self._cost(name).write_text(str(time.process_time() - start))
            made.save(file)
        return TokenVectors.load(file)

    def cpu_seconds(self, name: str) -> float:
        """What one of `SPACES` cost."""
        return float(self._cost(plain(name)).read_text())

    def _cost(self, name: str) -> Path:
        return self.folder / f"{name}.cost"


def plain(name: str) -> str:
    """Name of the file of one of `SPACES`."""
    return name.replace(", ", "-").replace(" ", "-")


def alike(spaces: Mapping[str, TokenVectors]) -> dict[str, TokenVectors]:
    """Give all spaces vectors of the same tokens: those that every one has."""
    usable = reduce(lambda one, other: one & other, (vectors.usable for vectors in spaces.values()))
    return {name: replace(vectors, usable=usable) for name, vectors in spaces.items()}
