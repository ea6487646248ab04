"""Curves of a comparison: a held-out figure of several models over the tokens that they were trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monoglot.reporting.svg import Scale, brief, drawing, element, label, line

WIDTH, HEIGHT = 930, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 640, 50, 420
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Okabe & Ito's palette, which people who can't tell red from green can read."""
DASHES = (None, "7 3", "2 3")
LABEL_HEIGHT = 17
LONGEST_LABEL = 34
"""Characters that surely fit; options can make names of any length."""

Curve = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """The curves of one model.

    Attributes:
        name: Its name.
        curves: Tokens seen and value, a curve for each seed; all have the same tokens.
        is_control: Whether the model is a control.
    """

    name: str
    curves: Sequence[Curve]
    is_control: bool = False


def comparison_curves(measure: str, series: Sequence[Series]) -> Markup:
    """Draw one curve for each model: the mean over its seeds, and thin, each seed.

    Args:
        measure: What was measured; lower is better.
        series: The models, at least one.
    """
    points = [point for one in series for curve in one.curves for point in curve]
    values = [y for _, y in points]
    margin = (max(values) - min(values)) * 0.05 or abs(max(values)) * 0.05 or 1.0
    across = Scale(0.0, float(max(*(x for x, _ in points), 1)), LEFT, RIGHT)
    up = Scale(min(values) - margin, max(values) + margin, BOTTOM, TOP)
    title = f"{measure} on held-out text, by tokens of training (lower is better)"
    parts = [
        element("title", title),
        element("rect", width=WIDTH, height=HEIGHT, fill="white"),
        label(LEFT, 28, title, "strong"),
    ]
    for tick in up.ticks(5):
        parts.append(line(LEFT, up(tick), RIGHT, up(tick), "grid"))
        parts.append(label(LEFT - 8, up(tick) + 4, brief(tick), "muted number", "end"))
    for tick in across.ticks(5):
        parts.append(label(across(tick), BOTTOM + 20, brief(tick), "muted number", "middle"))
    parts.append(label(RIGHT, BOTTOM + 42, "tokens", "muted", "end"))
    ends = [up(mean_curve(one.curves)[-1][1]) for one in series]
    for number, (one, end, place) in enumerate(zip(series, ends, apart(ends), strict=True)):
        color = COLORS[number % len(COLORS)]
        dash = DASHES[number // len(COLORS) % len(DASHES)]
        parts += _lines(one, color, dash, across, up)
        parts += _caption(one, color, dash, end, place)
    return drawing(HEIGHT, title, *parts, width=WIDTH)


def _lines(one: Series, color: str, dash: str | None, across: Scale, up: Scale) -> Iterator[Markup]:
    """The mean of the seeds, and each seed if there are several."""
    drawn: list[tuple[Curve, float, str | None]] = [(mean_curve(one.curves), 2.0, None)]
    if len(one.curves) > 1:
        drawn += [(curve, 0.7, "0.5") for curve in one.curves]
    for curve, width, opacity in drawn:
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in curve)
        yield element(
            "polyline", points=points, stroke=color, fill="none", stroke_dasharray=dash, stroke_width=width,
            opacity=opacity,
        )  # fmt: skip


def _caption(one: Series, color: str, dash: str | None, end: float, place: float) -> Iterator[Markup]:
    """The name of a model beside the end of its curve."""
    points = f"{RIGHT},{end:.1f} {RIGHT + 14},{place:.1f} {RIGHT + 32},{place:.1f}"
    yield element(
        "polyline", points=points, stroke=color, fill="none", stroke_dasharray=dash, stroke_width=1.2
    )
    name = f"{one.name}{' (control)' if one.is_control else ''}"
    shown = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    yield element(
        "text",
        Markup("{}{}").format(shown, element("title", name)),
        x=RIGHT + 38,
        y=place + 4,
        class_="label",
    )


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean of curves that have the same tokens."""
    return tuple(
        (points[0][0], sum(y for _, y in points) / len(points)) for points in zip(*curves, strict=True)
    )


def apart(places: Sequence[float]) -> list[float]:
    """Move labels apart so that none covers another, inside the figure."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    found = [0.0] * len(places)
    least = float(TOP)
    for rank, index in enumerate(order):
        # What comes below still has to fit.
        most = BOTTOM - LABEL_HEIGHT * (len(order) - 1 - rank)
        found[index] = max(least, min(places[index], most))
        least = found[index] + LABEL_HEIGHT
    return found
