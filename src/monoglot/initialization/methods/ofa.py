"""OFA: each missing token is a mean of the source tokens nearest to it in multilingual word vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monoglot.initialization.anchors import from_source_tokens
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.sparse import SparseRows
from monoglot.options import Count, Positive, WordVectorsFile
from monoglot.progress import SILENT, Progress
from monoglot.vectors.vector_files import check_word_file, open_word_file


@register("ofa")
@dataclass(frozen=True)
class Ofa(Initializer):
    """``w = softmax(cos(Y[m], X) / τ)`` over the k nearest source tokens, in one space of many languages.

    X and Y are vectors of the source and target tokens: means of the words of the list that contain them,
    all words alike. The embeddings stay as wide as they are; the paper's factorized variants, which change
    the model, are not made.

    Reference: Liu, Lin, Wang & Schütze 2024, "OFA: A Framework of Initializing Unseen Subword Embeddings for
    Efficient Large-scale Multilingual Continued Pretraining" (arXiv 2311.08849), with ColexNet+ vectors.

    Attributes:
        word_vectors: Multilingual word vectors, a .vec or .bin file.
        neighbors: How many source tokens are mixed.
        temperature: τ; the lower, the more the nearest counts.
    """

    word_vectors: WordVectorsFile
    neighbors: Count = 10
    temperature: Positive = 0.1

    @property
    def files(self) -> Mapping[str, str]:
        """The word vectors."""
        return {"word-vectors": self.word_vectors}

    def check(self) -> None:
        """Refuse a file that is not there or of another kind.

        Raises:
            InputError: If it is.
        """
        super().check()
        check_word_file(Path(self.word_vectors))

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that are part of a listed word."""
        words = open_word_file(Path(self.word_vectors))
        source, target = (
            words.token_vectors(vocabulary, segment, by_rank=False)
            for vocabulary, segment in zip(
                (transfer.source, transfer.target), transfer.required_segmenters, strict=True
            )
        )
        return from_source_tokens(
            transfer,
            source,
            target,
            neighbors=self.neighbors,
            temperature=self.temperature,
            progress=progress,
        )
