"""Curves of a comparison: a held-out figure of several models over the tokens that they were trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monoglot.reporting.chart import Chart
from monoglot.reporting.svg import Scale, brief, drawing, element, label, line

LEFT, RIGHT, TOP, HEIGHT, BOTTOM = 52, 308, 56, 230, 42
LABEL_HEIGHT = 17
LONGEST_LABEL = 19
"""Characters that surely fit beside the curves; options can make names of any length."""
COLORS = (1, 2, 3, 4, 5, 6, 0)

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """The curves of one model.

    Attributes:
        name: Its name.
        curves: Tokens seen and value, a curve for each seed; all have the same tokens.
        is_control: Whether the model is a control.
        seeds: Names of the curves, for the numbers.
    """

    name: str
    curves: Sequence[Curve]
    is_control: bool = False
    seeds: Sequence[object] = ()


def comparison_curves(measure: str, series: Sequence[Series]) -> Chart:
    """Draw one curve for each model: the mean over its seeds, and thin, each seed.

    Args:
        measure: What was measured; lower is better.
        series: The models, at least one.
    """
    points = [point for one in series for curve in one.curves for point in curve]
    values = [y for _, y in points]
    margin = (max(values) - min(values)) * 0.05 or abs(max(values)) * 0.05 or 1.0
    bottom = TOP + max(HEIGHT, LABEL_HEIGHT * len(series))
    across = Scale(0.0, float(max(*(x for x, _ in points), 1)), LEFT, RIGHT)
    up = Scale(min(values) - margin, max(values) + margin, bottom, TOP)
    title = f"{measure} on held-out text"
    notes = ["lower is better"]
    notes += ["dashed: controls"] if any(one.is_control for one in series) else []
    notes += ["thin: each seed"] if any(len(one.curves) > 1 for one in series) else []
    parts = [label(0, 16, title, "strong"), label(0, 36, "; ".join(notes), "muted")]
    for tick in up.ticks(5):
        parts.append(line(LEFT, up(tick), RIGHT, up(tick), "grid"))
        parts.append(label(LEFT - 8, up(tick) + 4, brief(tick), "muted number", "end"))
    for tick in across.ticks(4):
        parts.append(label(across(tick), bottom + 18, brief(tick), "muted number", "middle"))
    parts.append(label(RIGHT, bottom + 36, "tokens of training", "muted", "end"))
    ends = [up(mean_curve(one.curves)[-1][1]) for one in series]
    for number, (one, end, place) in enumerate(zip(series, ends, apart(ends, TOP, bottom), strict=True)):
        again = "again" if number >= len(COLORS) else ""
        kind = f"h{COLORS[number % len(COLORS)]} {'control' if one.is_control else again}".rstrip()
        parts += _lines(one, kind, across, up)
        parts += _caption(one, kind, end, place)
    rows = [
        (one.name, seed, x, y)
        for one in series
        for seed, curve in zip(one.seeds or range(1, len(one.curves) + 1), one.curves, strict=True)
        for x, y in curve
    ]
    head = ("name", "seed", "tokens of training", measure)
    return Chart(drawing(bottom + BOTTOM, f"{title}, by tokens of training", *parts), head, rows)


def _lines(one: Series, kind: str, across: Scale, up: Scale) -> Iterator[Markup]:
    """The mean of the seeds, and each seed if there are several."""
    drawn = [("series", mean_curve(one.curves))]
    if len(one.curves) > 1:
        drawn += [("series thin", curve) for curve in one.curves]
    for weight, curve in drawn:
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in curve)
        yield element("polyline", element("title", one.name), points=points, class_=f"{weight} {kind}")


def _caption(one: Series, kind: str, end: float, place: float) -> Iterator[Markup]:
    """The name of a model beside the end of its curve."""
    points = f"{RIGHT},{end:.1f} {RIGHT + 10},{place:.1f} {RIGHT + 24},{place:.1f}"
    yield element("polyline", points=points, class_=f"series thin {kind}")
    shown = one.name if len(one.name) <= LONGEST_LABEL else f"{one.name[: LONGEST_LABEL - 1]}…"
    text = label(RIGHT + 29, place + 4, Markup("{}{}").format(shown, element("title", one.name)))
    yield text


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean of curves that have the same tokens."""
    return tuple(
        (points[0][0], sum(y for _, y in points) / len(points)) for points in zip(*curves, strict=True)
    )


def apart(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """Move labels apart so that none covers another, inside the figure.

    Args:
        places: Where they should be.
        top: The highest place.
        bottom: The lowest; there is room for all above it.
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    found = [0.0] * len(places)
    least = top
    for rank, index in enumerate(order):
        # What comes below still has to fit.
        most = bottom - LABEL_HEIGHT * (len(order) - 1 - rank)
        found[index] = max(least, min(places[index], most))
        least = found[index] + LABEL_HEIGHT
    return found
