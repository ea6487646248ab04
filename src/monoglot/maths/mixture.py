"""An initialization as a sparse matrix of weights over source rows, and its application to tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float16, Float32, Int64, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import functional as F

from monoglot.errors import OutputError
from monoglot.maths.sparse import SparseRows, offsets

BLOCK_ENTRIES = 1 << 14
"""About how many weighted source rows are summed at once."""
BLOCK_COLUMNS = 64
"""How many columns of a table are averaged at once."""


class Provenance(IntEnum):
    """Where a target row comes from."""

    COPIED = 0
    """The row of the same token in the source vocabulary."""
    METHOD = 1
    """Made by the initialization method."""
    SUBWORD = 2
    """Mean of the pieces into which the source tokenizer segments the token."""
    NOISE = 3
    """Drawn from N(mean, std) of the trained source rows."""
    MEAN = 4
    """The mean of the trained source rows."""
    UNUSED = 5
    """An id that no token has; filled with the mean, too."""
    SCRIPT = 6
    """Mean of frequent source tokens of the same script and place in the word."""


@dataclass(frozen=True)
class Correction:
    """What is added to some mixed rows of the input embeddings.

    Attributes:
        ids: Target ids, ascending.
        rows: What is added to each.
    """

    ids: Int64[np.ndarray, " corrected"]
    rows: Float16[np.ndarray, "corrected dim"]

    def at(self, ids: Int64[np.ndarray, " ids"]) -> Float32[np.ndarray, "ids dim"]:
        """What is added to the rows of some ids: zeros where nothing is."""
        found = np.zeros((len(ids), self.rows.shape[1]), np.float32)
        if len(self.ids):
            places = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
            known = self.ids[places] == ids
            found[known] = self.rows[places[known]]
        return found


@dataclass(frozen=True)
class Mixture:
    """Weights over source ids for each target id, applied alike to embeddings, output head and output bias.

    A method may also add a `Correction` to rows of the input embeddings; output head and bias have none.

    Attributes:
        rows: One row for each target id, columns are source ids; empty for rows that are noise or unused.
        provenance: A ``Provenance`` for each target id.
        trained: Which source rows may shape the noise (untrained rows would distort mean and deviation).
        seed: Seed of the noise.
        calibration: How far the shrinking of mixed rows is undone, from 0 to 1 (see ``_gains``).
        correction: What is added to rows of the input embeddings, which are not stretched then.
    """

    rows: SparseRows
    provenance: UInt8[np.ndarray, " target"]
    trained: Bool[np.ndarray, " source"]
    seed: int = 42
    calibration: float = 0.0
    correction: Correction | None = None

    @property
    def n_source(self) -> int:
        """Number of source ids referred to; a table may have more rows."""
        return len(self.trained)

    @property
    def n_target(self) -> int:
        """Number of target rows."""
        return len(self.rows)

    def where(self, provenance: Provenance) -> Int64[np.ndarray, " ids"]:
        """Target ids of the given provenance, ascending."""
        return np.flatnonzero(self.provenance == provenance)

    def explain(self, target_id: int) -> list[tuple[int, float]]:
        """The source ids that a target row is made of, with their weights, the heaviest first."""
        indices, weights = self.rows.row(target_id)
        order = np.argsort(-np.abs(weights), kind="stable")
        return [(int(indices[i]), float(weights[i])) for i in order]

    @torch.no_grad()
    def apply(
        self, table: Float[Tensor, " source *features"], *, is_input: bool = True
    ) -> Float[Tensor, " target *features"]:
        """Compute the target table: copies bit for bit, mixtures summed in float32.

        Args:
            table: Source table with at least ``n_source`` rows; embeddings, an output head, or a bias.
            is_input: Whether it is the table of input embeddings, which corrections are added to.

        Returns:
            A new table of the source's dtype, on its device.
        """
        flat = table.detach().reshape(len(table), -1)
        result = flat.new_empty((self.n_target, flat.shape[1]))
        copied = self.where(Provenance.COPIED)
        for start in range(0, len(copied), BLOCK_ENTRIES):
            block = copied[start : start + BLOCK_ENTRIES]
            result[_on(block, flat)] = flat[_on(self.rows.indices[self.rows.indptr[block]], flat)]
        center = self._trained_mean(flat) if self.calibration else None
        for block in self._blocks():
            sums = plain = weighted_sums(self.rows.select(block), flat)
            if center is not None:
                gains, totals = (_on(values, flat)[:, None] for values in self._gains(block))
                stretched = totals * center + (sums - totals * center) * gains
                # What is zero stands for nothing, such as the row of padding: it has no length to give back.
                sums = torch.where(sums.any(dim=1, keepdim=True), stretched, sums)
            if self.correction is not None and is_input:
                added = _on(self.correction.at(block), flat)
                # What is added leads from the plain sum to the row that a method wants.
                sums = torch.where(added.any(dim=1, keepdim=True), plain + added, sums)
            result[_on(block, flat)] = sums.to(flat.dtype)
        self._fill(flat, result)
        return result.reshape(self.n_target, *table.shape[1:])

    def _blocks(self) -> Iterator[Int64[np.ndarray, " ids"]]:
        """Target ids that are weighted sums, in groups of a bounded number of entries."""
        mixed = np.flatnonzero((self.rows.lengths > 0) & (self.provenance != Provenance.COPIED))
        entries_before = offsets(self.rows.lengths[mixed])[:-1]
        boundaries = np.flatnonzero(np.diff(entries_before // BLOCK_ENTRIES)) + 1
        yield from (block for block in np.split(mixed, boundaries) if len(block))

    def _gains(
        self, ids: Int64[np.ndarray, " ids"]
    ) -> tuple[Float32[np.ndarray, " ids"], Float32[np.ndarray, " ids"]]:
        """By how much to stretch mixed rows about the mean row, and how often that row is in each of them.

        A weighted mean of n_eff = (Σ|w|)² / Σw² independent rows lies 1 / √n_eff as far from the mean row as
        one of them. Parents are alike, so that the full factor would be too much; ``calibration`` is its
        exponent. n_eff is between 1 and the number of parents, whatever the size and sign of the weights.
        A row of weights w has Σw times the mean row in it.
        """
        rows = self.rows.select(ids)
        weights = rows.weights.astype(np.float64)
        owners = np.repeat(np.arange(len(ids)), rows.lengths)
        total, absolute, squares = (
            np.bincount(owners, values, len(ids)) for values in (weights, np.abs(weights), weights**2)
        )
        parents = np.divide(absolute**2, squares, out=np.ones(len(ids)), where=squares > 0)
        return np.asarray(parents ** (self.calibration / 2), np.float32), np.asarray(total, np.float32)

    def _trained_mean(self, flat: Tensor) -> Float[Tensor, " features"]:
        """The mean of the trained rows, in float32."""
        return torch.cat([columns.mean(dim=0) for columns in self._trained_columns(flat)])

    def _trained_columns(self, flat: Tensor) -> Iterator[Float32[Tensor, "trained columns"]]:
        """The trained rows, some columns at a time: all of them as float32 may be larger than the model."""
        trained = _on(np.flatnonzero(self.trained), flat)
        for start in range(0, flat.shape[1], BLOCK_COLUMNS):
            yield flat[:, start : start + BLOCK_COLUMNS][trained].float()

    def _fill(self, flat: Tensor, result: Tensor) -> None:
        """Fill the rows that no source row answers for: noise, and the mean for unused ids."""
        noise = self.where(Provenance.NOISE)
        constant = np.flatnonzero(np.isin(self.provenance, (Provenance.MEAN, Provenance.UNUSED)))
        if len(noise) + len(constant) == 0:
            return
        mean = self._trained_mean(flat).cpu()
        result[_on(constant, flat)] = mean.to(result)
        if not len(noise):
            return
        correction = min(1, int(self.trained.sum()) - 1)
        deviation = torch.cat(
            [columns.cpu().std(dim=0, correction=correction) for columns in self._trained_columns(flat)]
        )
        generator = torch.Generator().manual_seed(self.seed)
        # One draw a row in ascending order, as the reference does, so that its noise is reproduced too.
        for target_id in noise:
            result[target_id] = torch.normal(mean, deviation, generator=generator).to(result)

    def save(self, path: Path) -> None:
        """Write as safetensors; equal mixtures give equal bytes."""
        arrays = {
            "indptr": self.rows.indptr,
            "indices": self.rows.indices,
            "weights": self.rows.weights,
            "provenance": self.provenance,
            "trained": self.trained,
        }
        if self.correction is not None:
            arrays |= {"corrected_ids": self.correction.ids, "correction": self.correction.rows}
        # One metadata entry only: safetensors writes several in no fixed order.
        settings = {"format": "mixture", "seed": self.seed, "calibration": self.calibration}
        save_file(arrays, path, metadata={"monoglot": json.dumps(settings)})

    @staticmethod
    def load(path: Path) -> Mixture:
        """Read what ``save`` wrote.

        Raises:
            OutputError: If the file is damaged, or an earlier version of monoglot wrote it.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                rows = SparseRows(*(file.get_tensor(name) for name in ("indptr", "indices", "weights")))
                settings = json.loads(file.metadata()["monoglot"])
                codes, trained = file.get_tensor("provenance"), file.get_tensor("trained")
                correction = None
                if "correction" in file.keys():  # noqa: SIM118 - the file is no mapping
                    correction = Correction(file.get_tensor("corrected_ids"), file.get_tensor("correction"))
                return Mixture(rows, codes, trained, settings["seed"], settings["calibration"], correction)
        except (SafetensorError, KeyError, TypeError) as error:
            raise OutputError(
                f"{path} can't be read as a mixture ({error}): it is damaged, or an earlier version of "
                "monoglot wrote it; run `monoglot specialize` again"
            ) from error


def weighted_sums(
    rows: SparseRows, table: Float[Tensor, "source features"]
) -> Float32[Tensor, "rows features"]:
    """Sum the rows of a table by weights, in float32."""
    parents, entries = np.unique(rows.indices, return_inverse=True)
    return F.embedding_bag(
        _on(entries, table),
        table[_on(parents, table)].float(),
        _on(rows.indptr[:-1], table),
        mode="sum",
        per_sample_weights=_on(rows.weights, table),
    )


def _on(array: np.ndarray, like: Tensor) -> Tensor:
    """The array as a tensor on the same device."""
    return torch.from_numpy(array).to(like.device)
