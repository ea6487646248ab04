"""A map of embeddings: a point for each token, colored in more than one way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32
from markupsafe import Markup

from monoglot.reporting.svg import WIDTH, Scale, drawing, group, label

HEIGHT, MARGIN = 350, 10
TAILS_PERCENT = 0.5
"""Points further out than these percentiles are drawn at the edge."""


def points(
    title: str,
    places: Float32[np.ndarray, "points 2"],
    backdrop: Float32[np.ndarray, "others 2"],
    colors: dict[str, Sequence[int]],
) -> Markup:
    """Draw points in front of a backdrop of others.

    The attribute ``data-color`` of the figure names the coloring shown; at first the first one.

    Args:
        title: What is shown.
        places: Where the points are.
        backdrop: Where those are that they are seen against.
        colors: For each coloring (a single letter), the number of the color of each point.
    """
    everything = np.concatenate([places, backdrop])
    low, high = np.percentile(everything, [TAILS_PERCENT, 100 - TAILS_PERCENT], axis=0)
    across = Scale(float(low[0]), float(high[0]), MARGIN, WIDTH - MARGIN)
    down = Scale(float(low[1]), float(high[1]), HEIGHT - MARGIN, MARGIN)

    def place(point: np.ndarray) -> str:
        x = min(max(across(float(point[0])), 3.0), WIDTH - 3.0)
        y = min(max(down(float(point[1])), 3.0), HEIGHT - 3.0)
        return f'cx="{x:.1f}" cy="{y:.1f}"'

    # Thousands of points: written directly, for there is nothing in them to escape.
    behind = Markup("").join(Markup(f'<circle {place(point)} r="1.1"/>') for point in backdrop)
    classes = zip(*([f"{key}{color}" for color in own] for key, own in colors.items()), strict=True)
    before = Markup("").join(
        Markup(f'<circle {place(point)} r="1.6" class="{" ".join(names)}"/>')
        for point, names in zip(places, classes, strict=True)
    )
    return drawing(
        HEIGHT,
        title,
        group(behind, class_="backdrop"),
        group(before, class_="points"),
        label(WIDTH - MARGIN, HEIGHT - 6, "first principal component →", "muted", "end"),
        label(MARGIN, 16, "↑ second principal component", "muted"),
        data_color=next(iter(colors)),
    )
