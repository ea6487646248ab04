"""Rows of weights with few entries each, as three arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64


@dataclass(frozen=True)
class SparseRows:
    """A sparse matrix by rows (CSR): row ``i`` has the entries ``indptr[i]:indptr[i + 1]``.

    Attributes:
        indptr: Where each row begins, and where the last one ends.
        indices: Column of each entry.
        weights: Value of each entry.
    """

    indptr: Int64[np.ndarray, " rows_plus_one"]
    indices: Int64[np.ndarray, " entries"]
    weights: Float32[np.ndarray, " entries"]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> Int64[np.ndarray, " rows"]:
        """Number of entries of each row."""
        return np.diff(self.indptr)

    def row(self, index: int) -> tuple[Int64[np.ndarray, " entries"], Float32[np.ndarray, " entries"]]:
        """Columns and weights of one row."""
        span = slice(self.indptr[index], self.indptr[index + 1])
        return self.indices[span], self.weights[span]

    def select(self, rows: Int64[np.ndarray, " chosen"]) -> SparseRows:
        """Some of the rows, in the order given."""
        entries = concatenated_ranges(self.indptr[rows], self.lengths[rows])
        return SparseRows(offsets(self.lengths[rows]), self.indices[entries], self.weights[entries])

    def kept(self, mask: Bool[np.ndarray, " rows"]) -> SparseRows:
        """The same number of rows, emptied where the mask is false."""
        entries = np.repeat(mask, self.lengths)
        return SparseRows(offsets(self.lengths * mask), self.indices[entries], self.weights[entries])

    def spread(self, mask: Bool[np.ndarray, " rows_wanted"]) -> SparseRows:
        """The rows, in their order, at the places where the mask is true; empty ones elsewhere."""
        # Place i takes the next row, or the empty one that is put behind them.
        position = np.where(mask, np.cumsum(mask) - 1, len(self))
        return SparseRows.stack([self, SparseRows.empty(1)]).select(position)

    def with_columns(self, columns: Int64[np.ndarray, " columns"]) -> SparseRows:
        """The same rows with column ``c`` renamed to ``columns[c]``."""
        return SparseRows(self.indptr, columns[self.indices], self.weights)

    def scaled(self, factors: Float[np.ndarray, " rows"]) -> SparseRows:
        """The same rows, each times its factor."""
        weights = (self.weights * np.repeat(factors, self.lengths)).astype(np.float32)
        return SparseRows(self.indptr, self.indices, weights)

    @staticmethod
    def total(parts: Sequence[SparseRows]) -> SparseRows:
        """The sum of matrices with equally many rows; columns of each row in ascending order."""
        row_of = np.concatenate([np.repeat(np.arange(len(part)), part.lengths) for part in parts])
        indices = np.concatenate([part.indices for part in parts])
        weights = np.concatenate([part.weights for part in parts])
        order = np.lexsort((indices, row_of))
        row_of, indices = row_of[order], indices[order]
        is_new = np.ones(len(order), bool)
        is_new[1:] = (np.diff(row_of) != 0) | (np.diff(indices) != 0)
        sums = np.bincount(np.cumsum(is_new) - 1, weights[order], minlength=int(is_new.sum()))
        lengths = np.bincount(row_of[is_new], minlength=len(parts[0])).astype(np.int64)
        return SparseRows(offsets(lengths), indices[is_new], sums.astype(np.float32))

    @staticmethod
    def empty(rows: int) -> SparseRows:
        """Rows without entries."""
        return SparseRows(np.zeros(rows + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))

    @staticmethod
    def single(columns: Int64[np.ndarray, " rows"], weight: float = 1.0) -> SparseRows:
        """Rows of one entry each."""
        weights = np.full(len(columns), weight, np.float32)
        return SparseRows(np.arange(len(columns) + 1, dtype=np.int64), columns.astype(np.int64), weights)

    @staticmethod
    def uniform(
        indptr: Int64[np.ndarray, " rows_plus_one"],
        indices: Int64[np.ndarray, " entries"],
        keep: Bool[np.ndarray, " entries"],
    ) -> SparseRows:
        """Rows that share their weight equally among the entries to keep; empty where none is."""
        row_of = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))[keep]
        lengths = np.bincount(row_of, minlength=len(indptr) - 1).astype(np.int64)
        weights = (1.0 / np.maximum(lengths, 1)).astype(np.float32)[row_of]
        return SparseRows(offsets(lengths), indices[keep].astype(np.int64), weights)

    @staticmethod
    def stack(parts: Sequence[SparseRows]) -> SparseRows:
        """All rows of the first part, then of the second, and so on."""
        lengths = np.concatenate([np.zeros(0, np.int64), *(part.lengths for part in parts)])
        indices = np.concatenate([np.zeros(0, np.int64), *(part.indices for part in parts)])
        weights = np.concatenate([np.zeros(0, np.float32), *(part.weights for part in parts)])
        return SparseRows(offsets(lengths), indices, weights)


def offsets(lengths: Int64[np.ndarray, " rows"]) -> Int64[np.ndarray, " rows_plus_one"]:
    """Where each row begins, from the lengths of the rows."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def concatenated_ranges(
    starts: Int64[np.ndarray, " rows"], lengths: Int64[np.ndarray, " rows"]
) -> Int64[np.ndarray, " total"]:
    """``[s, s+1, …, s+n-1]`` for each start and length, one after the other."""
    ends = offsets(lengths)
    shifts: np.ndarray = np.repeat(starts - ends[:-1], lengths)
    return shifts + np.arange(ends[-1], dtype=np.int64)
