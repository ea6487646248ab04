"""Tables of co-occurrence counts on disk: written in blocks of rows, added up exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from jaxtyping import Int32, Int64
from numpy.lib import format as npy
from scipy.sparse import csr_array

from monoglot.errors import VectorsError

BLOCK_PAIRS = 1 << 22
"""Pairs of one table that are in memory at a time."""
MOST_DISTINGUISHED = 1 << 20
"""Counts above it are never dropped."""


@dataclass(frozen=True)
class PairTable:
    """How often (weighted by nearness) one token stood before another, and how often each occurred.

    The arrays are those of a sparse matrix by rows, memory-mapped: 12 bytes for each different pair.

    Attributes:
        token_counts: Occurrences of each token.
        indptr: The pairs of first token ``i`` are ``indptr[i]:indptr[i + 1]``.
        columns: Second token of each pair, ascending within a row.
        counts: Count of each pair.
    """

    token_counts: Int64[np.ndarray, " size"]
    indptr: Int64[np.ndarray, " size+1"]
    columns: Int32[np.ndarray, " pairs"]
    counts: Int64[np.ndarray, " pairs"]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Memory-map the table in a folder.

        Raises:
            VectorsError: If there is none.
        """
        try:
            arrays = {
                name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                for name in ("token_counts", "columns", "counts", "indptr")
            }
        except (OSError, ValueError) as error:
            raise VectorsError(f"{folder} holds no table of counts ({error}); count again.") from None
        return cls(**arrays)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def size(self) -> int:
        """Number of tokens."""
        return len(self.token_counts)

    def rows(self, start: int, stop: int) -> csr_array:
        """The pairs of some first tokens."""
        pairs = slice(int(self.indptr[start]), int(self.indptr[stop]))
        indptr = np.asarray(self.indptr[start : stop + 1]) - self.indptr[start]
        parts = (np.array(self.counts[pairs]), np.array(self.columns[pairs]), indptr.astype(np.int32))
        return csr_array(parts, shape=(stop - start, self.size))

    def most_frequent(self, most_pairs: int) -> csr_array:
        """The matrix of all pairs whose count is so high that there are no more than ``most_pairs``.

        Which pairs these are depends on the counts alone: of pairs with the same count all stay or none.
        """
        least = self._least_count(most_pairs)
        blocks = []
        for start, stop in row_blocks([self]):
            block = self.rows(start, stop)
            if least > 1:
                block.data[block.data < least] = 0
                block.eliminate_zeros()
            blocks.append(block)
        return stacked(blocks, self.size)

    def _least_count(self, most_pairs: int) -> int:
        """The lowest count such that no more than ``most_pairs`` pairs have it or a higher one."""
        if len(self) <= most_pairs:
            return 1
        histogram = np.zeros(MOST_DISTINGUISHED + 1, dtype=np.int64)
        for start in range(0, len(self), BLOCK_PAIRS):
            clipped = np.minimum(self.counts[start : start + BLOCK_PAIRS], MOST_DISTINGUISHED)
            histogram += np.bincount(clipped, minlength=len(histogram))
        at_least = np.cumsum(histogram[::-1])[::-1]
        return int(np.argmax(at_least <= most_pairs)) if at_least[-1] <= most_pairs else MOST_DISTINGUISHED


def write_table(
    folder: Path, token_counts: Int64[np.ndarray, " size"], blocks: Iterator[csr_array]
) -> PairTable:
    """Write a table from blocks of whole rows, in their order; only complete tables can be opened.

    Args:
        folder: Where to; made if it is not there.
        token_counts: Occurrences of each token.
        blocks: The pairs; all rows together are as many as there are tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "indptr.npy").unlink(missing_ok=True)
    np.save(folder / "token_counts.npy", token_counts)
    indptr = [np.zeros(1, dtype=np.int64)]
    with (folder / "columns.npy").open("wb") as columns, (folder / "counts.npy").open("wb") as counts:
        _write_headers(columns, counts, 0)
        for block in blocks:
            block.sort_indices()
            columns.write(block.indices.astype("<i4").tobytes())
            counts.write(block.data.astype("<i8").tobytes())
            indptr.append(indptr[-1][-1] + block.indptr[1:].astype(np.int64))
        # The length is known only now; NumPy pads the header so that it has room for any.
        _write_headers(columns, counts, int(indptr[-1][-1]))
    np.save(folder / "indptr.npy", np.concatenate(indptr))
    return PairTable.open(folder)


def merge_tables(tables: Sequence[PairTable], folder: Path) -> PairTable:
    """Add up tables; the sum is exact, whatever the order and however the corpus was divided.

    Args:
        tables: At least one, all for the same vocabulary; read a few rows at a time.
        folder: Where to write the sum.

    Raises:
        VectorsError: If they are for vocabularies of different sizes.
    """
    sizes = sorted({table.size for table in tables})
    if len(sizes) != 1:
        raise VectorsError(
            f"the tables are for vocabularies of {' and '.join(f'{size:,}' for size in sizes)} tokens; "
            "count all parts of a corpus with the same tokenizer."
        )
    token_counts = sum((table.token_counts for table in tables), np.zeros(sizes[0], dtype=np.int64))
    blocks = (reduce(add, (table.rows(*block) for table in tables)) for block in row_blocks(tables))
    return write_table(folder, token_counts, blocks)


def row_blocks(tables: Sequence[PairTable]) -> list[tuple[int, int]]:
    """Ranges of rows that have about ``BLOCK_PAIRS`` pairs in all tables together."""
    indptr = reduce(add, (table.indptr for table in tables))
    wanted = np.arange(BLOCK_PAIRS, int(indptr[-1]), BLOCK_PAIRS)
    bounds = np.unique([0, *np.searchsorted(indptr, wanted).tolist(), len(indptr) - 1]).tolist()
    return list(pairwise(bounds))


def stacked(blocks: Sequence[csr_array], size: int) -> csr_array:
    """Put blocks of rows below each other."""
    indptr = np.cumsum([0, *(count for block in blocks for count in np.diff(block.indptr).tolist())])
    data = np.concatenate([np.zeros(0, dtype=np.int64), *(block.data for block in blocks)])
    indices = np.concatenate([np.zeros(0, dtype=np.int32), *(block.indices for block in blocks)])
    return csr_array((data, indices, indptr.astype(np.int32)), shape=(size, size))


def _write_headers(columns: BinaryIO, counts: BinaryIO, length: int) -> None:
    for file, dtype in ((columns, "<i4"), (counts, "<i8")):
        file.seek(0)
        npy.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": (length,)})
