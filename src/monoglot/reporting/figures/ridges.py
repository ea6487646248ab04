"""Histograms one below the other, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from markupsafe import Markup

from monoglot.reporting.chart import Chart
from monoglot.reporting.svg import WIDTH, Scale, brief, drawing, element, label, line

LEFT, RIGHT, ROW, TOP, BOTTOM = 128, 12, 56, 8, 44
BINS = 72
TAILS_PERCENT = 0.2
"""How much is left out at either end, lest a few rows squeeze all others together."""


@dataclass(frozen=True)
class Ridge:
    """One of the histograms.

    Attributes:
        name: What it is of.
        values: The values to count.
        color: Number of its color; ``None`` for an outline.
    """

    name: str
    values: Float32[np.ndarray, " values"]
    color: int | None


def ridges(title: str, axis: str, rows: Sequence[Ridge]) -> Chart:
    """Draw histograms of equal height with their medians.

    Args:
        title: What is shown.
        axis: What the values are.
        rows: The histograms, none of them empty.
    """
    cuts = (TAILS_PERCENT, 100 - TAILS_PERCENT)
    ends = np.array([np.percentile(row.values, cuts) for row in rows])
    low, high = float(ends.min()), float(ends.max())
    scale = Scale(low, high if high > low else low + 1, LEFT, WIDTH - RIGHT)
    bottom = TOP + len(rows) * ROW
    parts = [
        part
        for tick in scale.ticks(5)
        for part in (
            line(scale(tick), TOP, scale(tick), bottom, "grid"),
            label(scale(tick), bottom + 18, brief(tick), "muted number", "middle"),
        )
    ]
    parts.append(
        label(
            WIDTH - RIGHT, bottom + 38, f"{axis}; each histogram is drawn to the same height", "muted", "end"
        )
    )
    for number, row in enumerate(rows):
        parts += _ridge(row, scale, TOP + (number + 1) * ROW)
    counted = [
        (row.name, float(low), float(high), int(count))
        for row in rows
        for counts, edges in [_counts(row, scale)]
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    head = ("", f"{axis}, from", f"{axis}, to", "count")
    return Chart(drawing(bottom + BOTTOM, title, *parts), head, counted)


def _counts(row: Ridge, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """How many values are in each bin, and where the bins begin and end."""
    return np.histogram(row.values, bins=BINS, range=(scale.low, scale.high))


def _ridge(row: Ridge, scale: Scale, base: float) -> list[Markup]:
    counts, edges = _counts(row, scale)
    heights = counts / max(1, counts.max()) * (ROW - 10)
    places = [scale(float(edge)) for edge in edges]
    steps = "".join(
        f"L{left:.1f} {base - height:.1f}H{right:.1f}"
        for left, right, height in zip(places[:-1], places[1:], heights, strict=True)
    )
    path = f"M{places[0]:.1f} {base:.1f}{steps}V{base:.1f}Z"
    median = float(np.median(row.values))
    kind = "outline" if row.color is None else f"fill c{row.color}"
    return [
        element("path", d=path, class_=kind),
        line(LEFT, base, WIDTH - RIGHT, base, "axis"),
        line(scale(median), base - ROW + 8, scale(median), base, "median"),
        label(LEFT - 14, base - 20, row.name, anchor="end"),
        label(LEFT - 14, base - 4, f"median {median:.3g}", "muted number", "end"),
    ]
