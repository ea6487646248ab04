"""gemma-3-270m with other vocabularies: models made once, rows of any method, bits per byte over draws.

The new vocabulary is the one that `specialize --mode replace` trains on the text. Since a decoder predicts
tokens, every row matters, not only those of the tokens that are read: all missing tokens are initialized.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float64
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from benchmarks.decoder_graft import Bench, remembered, score, slug
from experiments.experiment import SPLITS
from experiments.spaces import Spaces
from monoglot import get_method, initialize
from monoglot.device import device_of
from monoglot.evaluation.bits_per_byte import score_language
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Mixture
from monoglot.model.source import Source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.model.transplant import transplant
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.vectors.engine import TokenVectors

NAME = "gemma-270m"
LINES = {"small": 90, "paper": 300}
REPLACE = "replace"


def rates(line_bits: Float64[np.ndarray, " lines"], line_bytes: Float64[np.ndarray, " lines"]) -> list[float]:
    """Bits per byte of all lines, then of each draw."""
    parts = (slice(None), *(slice(draw, None, SPLITS) for draw in range(SPLITS)))
    return [float(line_bits[part].sum() / line_bytes[part].sum()) for part in parts]


@dataclass(frozen=True)
class Decoder(Bench):
    """One language: its texts, the models of its vocabularies, and the spaces of the new one."""

    @classmethod
    def of(cls, arguments: Any, corpus_bytes: int, **more: Any) -> Self:
        """The case of an experiment's command line; experiments of one scale share its folder."""
        return cls(
            arguments.models / NAME, arguments.data / arguments.language,
            arguments.work / f"decoder-{arguments.scale}-{arguments.language}", LINES[arguments.scale],
            arguments.seed, corpus_bytes, checks=1, **more,
        )  # fmt: skip

    @cached_property
    def original(self) -> Source:
        """The source model."""
        return Source(str(self.source), self.source)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The new vocabulary."""
        return load_tokenizer(self.made(REPLACE))

    @cached_property
    def spaces(self) -> Spaces:
        """Its auxiliary vectors."""
        return Spaces(self.folder, self.tokenizer, self.corpus, self.original)

    @cached_property
    def transfer(self) -> Transfer:
        """What a method may look at, without auxiliary vectors."""
        table = self.original.model.get_input_embeddings().weight.detach()
        return Transfer.of(self.original.tokenizer, self.tokenizer, embeddings=table, seed=self.seed)

    def mixture(self, method: str, options: Mapping[str, Any], vectors: TokenVectors | None) -> Mixture:
        """The weights of a method that works on the exact overlap."""
        made = get_method(method, options)
        return initialize(replace(self.transfer, vectors=vectors), made, seed=self.seed)

    def changed(self, mixture: Mixture, head: Mixture | None = None) -> PreTrainedModel:
        """The model with the new vocabulary.

        Args:
            mixture: Where its rows come from.
            head: Where those of the output head come from, which is then no longer tied; by default as
                ``mixture``.
        """
        model, old = self.original.model, self.original.tokenizer
        made: Any = transplant(model, mixture, self.tokenizer, source_tokenizer=old)
        if head is not None:
            made.get_output_embeddings().weight = nn.Parameter(
                head.apply(model.get_output_embeddings().weight)
            )
            made.config.tie_word_embeddings = False
        return made

    def row_of(self, model: PreTrainedModel) -> dict[str, Any]:
        """Bits per byte of a model in memory that has the new vocabulary."""
        ready: Any = model.eval()
        with torch.no_grad():
            found = score_language(ready.to(device_of(None)), self.tokenizer, self.lines, progress=Terminal())
        parameters = sum(parameter.numel() for parameter in model.parameters())
        return self._row(found.line_bits, found.tokens, len(self.tokenizer), parameters)

    def row(self, method: str, options: Mapping[str, Any], vectors: TokenVectors | None) -> dict[str, Any]:
        """Bits per byte with a method's rows, before any training, and the anchors that it had."""
        row = self.row_of(self.changed(self.mixture(method, options, vectors)))
        if vectors is not None:
            row["anchors"] = len(replace(self.transfer, vectors=vectors).anchors().target_ids)
        return row

    def untrained_row(self, name: str) -> dict[str, Any]:
        """Bits per byte of a model in a folder, before any training."""
        model = self.made(name)
        found = remembered(self.folder / f"{slug(name)}.json", partial(score, model, self.lines))
        size = len(load_tokenizer(model))
        return self._row(np.array(found["line_bits"]), found["tokens"], size, count_parameters(model))

    def _row(self, line_bits: np.ndarray, tokens: int, vocabulary: int, parameters: int) -> dict[str, Any]:
        return {
            "vocabulary": vocabulary, "parameters": parameters, "tokens": tokens, "anchors": None,
            "bits_per_byte": rates(line_bits, self.line_bytes),
        }  # fmt: skip
