"""WECHSEL: each missing token is a mean of the source tokens nearest to it in aligned word vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from monoglot.corpus.text_pairs import check_pairs, read_pairs
from monoglot.errors import VectorsError
from monoglot.initialization.anchors import from_source_tokens
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import register
from monoglot.initialization.transfer import Transfer
from monoglot.maths.similarity import procrustes
from monoglot.maths.sparse import SparseRows
from monoglot.options import Count, InputFile, Positive, WordVectorsFile
from monoglot.progress import SILENT, Progress
from monoglot.vectors.vector_files import WordFile, check_word_file, open_word_file


@register("wechsel")
@dataclass(frozen=True)
class Wechsel(Initializer):
    """``w = softmax(cos(Y[m], X W) / τ)`` over the k nearest source tokens; W rotates X onto Y.

    X and Y are vectors of the source and target tokens, made from word vectors of the two languages: by a
    fastText model's n-grams, or as the mean of the listed words that contain the token. W is the orthogonal
    map that brings the words of a dictionary nearest to their translations. Overlapping tokens keep their
    row, as in every method here; the original computes all rows but those of special tokens anew.

    Reference: Minixhofer, Paischer & Rekabsaz 2022, "WECHSEL: Effective initialization of subword embeddings
    for cross-lingual transfer of monolingual language models" (arXiv 2112.06598).

    Attributes:
        dictionary: File with a word of the source language, a tab and its translation on each line.
        source_vectors: Word vectors of the source model's language, a .bin or .vec file.
        target_vectors: Word vectors of the target language.
        neighbors: How many source tokens are mixed.
        temperature: τ; the lower, the more the nearest counts.
    """

    dictionary: InputFile
    source_vectors: WordVectorsFile
    target_vectors: WordVectorsFile
    neighbors: Count = 10
    temperature: Positive = 0.1

    @property
    def files(self) -> Mapping[str, str]:
        """The dictionary and the two files of word vectors."""
        return {
            "dictionary": self.dictionary,
            "source-vectors": self.source_vectors,
            "target-vectors": self.target_vectors,
        }

    def check(self) -> None:
        """Refuse files that are not there or of another kind, and a dictionary with broken lines.

        Raises:
            InputError: If there are such.
        """
        super().check()
        check_pairs(Path(self.dictionary), words=True)
        for path in (self.source_vectors, self.target_vectors):
            check_word_file(Path(path))

    def mix(self, transfer: Transfer, progress: Progress = SILENT) -> SparseRows:
        """Weights for the missing tokens that get a vector."""
        source, target = (open_word_file(Path(path)) for path in (self.source_vectors, self.target_vectors))
        rotation = alignment(source, target, read_pairs(Path(self.dictionary), words=True))
        cut_source, cut_target = transfer.required_segmenters
        return from_source_tokens(
            transfer,
            (source.token_vectors(transfer.source, cut_source) @ rotation).astype(np.float32),
            target.token_vectors(transfer.target, cut_target),
            neighbors=self.neighbors,
            temperature=self.temperature,
            progress=progress,
        )


def alignment(
    source: WordFile, target: WordFile, dictionary: Iterable[tuple[str, str]]
) -> Float64[np.ndarray, "source_dim target_dim"]:
    """Compute the map from one space of words to another from a dictionary.

    Each word is looked up as it is, in lower case and capitalized, and each form that one file has is paired
    with each that the other has; forms that are equal count twice, as in the package `wechsel`.

    Raises:
        VectorsError: If no pair is in both files.
    """
    pairs = [(_forms(word), _forms(translation)) for word, translation in dictionary]
    words = source.vectors_of({form for forms, _ in pairs for form in forms})
    translations = target.vectors_of({form for _, forms in pairs for form in forms})
    known = [
        (words[word], translations[translation])
        for forms, others in pairs
        for word, translation in product(forms, others)
        if word in words and translation in translations
    ]
    if not known:
        raise VectorsError(
            f"none of the dictionary's {len(pairs):,} pairs is in both files of word vectors: give vectors "
            "of the languages that the dictionary has, the source's in its first column"
        )
    points, images = (np.stack(side).astype(np.float64) for side in zip(*known, strict=True))
    return procrustes(points, images)


def _forms(word: str) -> tuple[str, str, str]:
    return word, word.lower(), word.title()
