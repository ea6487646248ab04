"""Vectors that were made elsewhere, read from a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float32

from monoglot.errors import VectorsError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.base import Engine, TokenVectors
from monoglot.vectors.spelling import writable

SUFFIXES = (".safetensors", ".npy", ".vec")


@dataclass(frozen=True)
class VectorsFile(Engine):
    """Reads vectors instead of training them.

    A ``.safetensors`` file is one that monoglot wrote; the rows of a ``.npy`` file are in the order of the
    ids; a ``.vec`` file is text with a token, as the tokenizer spells it, and its numbers on each line.

    Attributes:
        path: The file.
        digest: Hash of its content, by which a run knows that it was changed.
    """

    path: str
    digest: str

    @classmethod
    def at(cls, path: Path) -> Self:
        """Take note of a file.

        Raises:
            VectorsError: There is none.
        """
        try:
            with path.open("rb") as file:
                return cls(str(path), hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise VectorsError(f"the vectors {path} can't be read ({error.strerror}).") from None

    def train(
        self,
        corpus: TokenizedCorpus,
        vocabulary: Vocabulary,
        *,
        seed: int,
        threads: int = 1,
        progress: Progress = SILENT,
    ) -> TokenVectors:
        """Read the file; rows of zeros, and tokens that are not in it, are not usable.

        Raises:
            VectorsError: If it does not fit the vocabulary.
        """
        path = Path(self.path)
        if path.suffix == ".safetensors":
            matrix = TokenVectors.load(path).matrix
        elif path.suffix == ".npy":
            matrix = _read_npy(path)
        else:
            matrix = _read_vec(path, vocabulary)
        if len(matrix) != vocabulary.size:
            raise VectorsError(
                f"{path} has {len(matrix):,} rows, but the target vocabulary has {vocabulary.size:,} ids; "
                "give vectors that were made for this tokenizer."
            )
        bad_rows = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
        if len(bad_rows):
            raise VectorsError(
                f"{path} has {len(bad_rows):,} rows that are not finite (the first is row {bad_rows[0]}); "
                "set the rows of tokens without a vector to zero."
            )
        return TokenVectors(matrix, np.any(matrix != 0, axis=1), corpus.counts(vocabulary.size))


def _read_npy(path: Path) -> Float32[np.ndarray, "rows dim"]:
    try:
        matrix = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise VectorsError(f"{path} can't be read as a .npy file of numbers ({error}).") from None
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise VectorsError(
            f"{path} is an array of {matrix.dtype} of the shape {matrix.shape}; expected numbers, with a row "
            "for each target id."
        )
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _read_vec(path: Path, vocabulary: Vocabulary) -> Float32[np.ndarray, "rows dim"]:
    rows = {writable(token.text): token.id for token in vocabulary.tokens}
    matrix, found = np.zeros((vocabulary.size, 0), dtype=np.float32), 0
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            fields = line.rstrip().split(" ")
            if number == 1 and len(fields) == 2:  # fastText's header: how many rows and columns
                continue
            if not matrix.shape[1]:
                matrix = np.zeros((vocabulary.size, len(fields) - 1), dtype=np.float32)
            if len(fields) - 1 != matrix.shape[1]:
                raise VectorsError(
                    f"line {number} of {path} has {len(fields) - 1} numbers; expected {matrix.shape[1]}, as "
                    "in the lines before it."
                )
            row = rows.get(fields[0])
            if row is None:
                continue
            try:
                matrix[row] = np.array(fields[1:], dtype=np.float32)
            except ValueError:
                raise VectorsError(f"line {number} of {path} holds something else than numbers.") from None
            found += 1
    if not found:
        raise VectorsError(
            f"{path} has no vector for any of the {len(vocabulary):,} target tokens; its lines must begin "
            "with tokens as the tokenizer's vocabulary spells them."
        )
    return matrix
