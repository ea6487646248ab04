"""The map of embeddings and their norms, for the report page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from scipy.linalg import eigh
from torch import Tensor

from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.similarity import BLOCK_ROWS
from monoglot.model.stored_rows import StoredRows
from monoglot.reporting.chart import Chart
from monoglot.reporting.content import Legend, Map
from monoglot.reporting.figures.points import points
from monoglot.reporting.figures.ridges import Ridge, ridges
from monoglot.reporting.tokens import TokenTable
from monoglot.reporting.wording import PROVENANCE_COLORS, provenance_name

FITTED_ROWS = 5_000
"""Rows of each table that the plane is fitted to: more would not move it visibly."""


@dataclass(frozen=True)
class Plane:
    """The plane of the first two principal components of some rows.

    Attributes:
        center: Their mean.
        axes: Two orthonormal directions, that of the largest variance first.
        shares: What share of the variance each shows.
    """

    center: Float64[np.ndarray, " dim"]
    axes: Float64[np.ndarray, "dim 2"]
    shares: tuple[float, float]

    def place(self, rows: Float[Tensor, "rows dim"]) -> Float32[np.ndarray, "rows 2"]:
        """Where rows lie on the plane."""
        places = (rows.double().numpy() - self.center) @ self.axes
        return np.asarray(places, np.float32)


def fit_plane(rows: Float[Tensor, "rows dim"]) -> Plane:
    """Find the first two principal components; equal rows give an equal plane, signs included."""
    values = rows.double().numpy()
    center = values.mean(axis=0)
    centered = values - center
    dim = values.shape[1]
    covariance = centered.T @ centered
    variances, directions = eigh(covariance, subset_by_index=[max(0, dim - 2), dim - 1])
    axes = np.zeros((dim, 2))
    axes[:, : len(variances)] = directions[:, ::-1]  # the largest come last; one dimension has only one
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(2)]
    axes *= np.where(largest < 0, -1.0, 1.0)
    total = max(float(np.trace(covariance)), np.finfo(float).tiny)
    shares = np.append(variances[::-1] / total, 0.0)
    return Plane(center, axes, (float(shares[0]), float(shares[1])))


def spread_out(ids: Int64[np.ndarray, " ids"], most: int) -> Int64[np.ndarray, " chosen"]:
    """Choose ids at equal distances."""
    if len(ids) <= most:
        return ids
    return ids[np.linspace(0, len(ids) - 1, most).astype(np.int64)]


def row_norms(table: Float[Tensor, "rows dim"] | StoredRows) -> Float32[np.ndarray, " rows"]:
    """The Euclidean length of each row, of a table that may be larger than memory."""
    norms = [block.float().norm(dim=1) for block in blocks(table)]
    return np.asarray(torch.cat(norms).numpy(), np.float32)


def blocks(table: Float[Tensor, "rows dim"] | StoredRows) -> Iterator[Float[Tensor, "block dim"]]:
    """Read a table block by block, so that a mapped one is not read into memory at once."""
    for start in range(0, len(table), BLOCK_ROWS):
        yield table[start : start + BLOCK_ROWS]


MAP_TOKENS, BACKDROP_TOKENS = 2_500, 2_500
OTHER_SCRIPTS, SCRIPT_COLORS = 0, 6
FEWEST_FOR_A_HISTOGRAM = 30
MUCH_SHORTER = 0.8
"""Mixed rows whose median length is below this share of that of copied ones are worth a calibration."""


@dataclass(frozen=True)
class Space:
    """The embeddings of a run, for its map and histograms.

    Attributes:
        table: All tokens, the most frequent first.
        mixture: Where their rows come from.
        method: The initialization method.
        new: The embeddings of the output.
        old: Those of the source, if it is available.
    """

    table: TokenTable
    mixture: Mixture
    method: str
    new: Float[Tensor, "rows dim"]
    old: StoredRows | None

    @property
    def on_map(self) -> Int64[np.ndarray, " points"]:
        """Indices in the table of the tokens on the map, the most frequent first."""
        used = np.flatnonzero(np.array([name != "unused" for name in self.table.provenance]))
        return used[:MAP_TOKENS]

    def map(self) -> Map:
        """The map of the most frequent tokens, before tokens of the source at equal distances of id."""
        rows = _rows(self.new, self.table.ids[self.on_map])
        known = np.flatnonzero(self.mixture.trained)
        parts = [_rows(self.new, spread_out(np.sort(self.table.ids), FITTED_ROWS))]
        behind = torch.zeros(0, rows.shape[1])
        if self.old is not None:
            behind = self.old.take(spread_out(known, BACKDROP_TOKENS)).float()
            parts.append(self.old.take(spread_out(known, FITTED_ROWS)).float())
        plane = fit_plane(torch.cat(parts))
        legends, colors = self._colors()
        shown = "; pale dots are tokens of the old vocabulary" if self.old is not None else ""
        first, second = plane.shares
        places = plane.place(rows)
        return Map(
            Chart(
                points("Map of embeddings", places, plane.place(behind), colors),
                ("id", "token", "origin", "script", "first component", "second component"),
                self._numbers(places),
            ),
            legends,
            f"The {len(rows):,} most frequent tokens on the plane of the first two principal components of "
            f"old and new embeddings ({first:.0%} and {second:.0%} of the variance){shown}.",
        )

    def _numbers(self, places: Float32[np.ndarray, "points 2"]) -> list[tuple[object, ...]]:
        """Where each token is on the map."""
        shown, (x, y) = self.on_map.tolist(), places.T.tolist()
        tokens = [
            (
                int(self.table.ids[place]),
                self.table.texts[place],
                provenance_name(self.table.provenance[place], self.method),
                self.table.scripts[place],
            )
            for place in shown
        ]
        return [(*token, *point) for token, *point in zip(tokens, x, y, strict=True)]

    def _colors(self) -> tuple[tuple[Legend, ...], dict[str, Sequence[int]]]:
        provenance = [self.table.provenance[place] for place in self.on_map.tolist()]
        scripts = [self.table.scripts[place] for place in self.on_map.tolist()]
        ranked = [name for name, _ in Counter(scripts).most_common() if name != "none"][:SCRIPT_COLORS]
        color_of = {name: color for color, name in enumerate(ranked, start=1)}
        sizes = Counter(provenance)
        by_color = Counter(color_of.get(name, OTHER_SCRIPTS) for name in scripts)
        names = {color: name for name, color in color_of.items()} | {OTHER_SCRIPTS: "no letters, others"}
        legends = (
            Legend(
                "p",
                "origin",
                tuple(
                    (provenance_name(name, self.method), color, sizes[name])
                    for name, color in PROVENANCE_COLORS.items()
                    if sizes[name]
                ),
            ),
            Legend("s", "script", tuple((names[c], c, by_color[c]) for c in names if by_color[c])),
        )
        colors: dict[str, Sequence[int]] = {
            "p": [PROVENANCE_COLORS[name] for name in provenance],
            "s": [color_of.get(name, OTHER_SCRIPTS) for name in scripts],
        }
        return legends, colors

    def norms(self) -> Chart | None:
        """Histograms of the lengths of rows: those of the source, and the new ones by provenance."""
        rows = []
        if self.old is not None:
            lengths = row_norms(self.old)[: self.mixture.n_source][self.mixture.trained]
            rows.append(Ridge("old vocabulary", lengths, None))
        lengths = row_norms(self.new[: self.mixture.n_target])
        for name, color in PROVENANCE_COLORS.items():
            ids = self.mixture.where(Provenance[name.upper()])
            if len(ids) >= FEWEST_FOR_A_HISTOGRAM:
                rows.append(Ridge(provenance_name(name, self.method), lengths[ids], color))
        return ridges("Lengths of embeddings", "length of an embedding", rows) if rows else None

    def norms_advice(self) -> str:
        """What to try if new rows are much shorter than copied ones; empty if they are not."""
        both = [self.mixture.where(origin) for origin in (Provenance.COPIED, Provenance.METHOD)]
        if self.mixture.calibration or min(map(len, both)) < FEWEST_FOR_A_HISTOGRAM:
            return ""
        lengths = row_norms(self.new[: self.mixture.n_target])
        copied, made = (float(np.median(lengths[ids])) for ids in both)
        if made >= MUCH_SHORTER * copied:
            return ""
        return (
            f"The median new row is {1 - made / copied:.0%} shorter than the median copied one. "
            "--norm-calibration 1 lengthens weighted means; it does harm if the output head is tied to the "
            "embeddings. Compare both."
        )


def _rows(table: Float[Tensor, "rows dim"], ids: Int64[np.ndarray, " ids"]) -> Float[Tensor, "ids dim"]:
    """Read rows in float32."""
    return table[torch.from_numpy(ids)].float()
