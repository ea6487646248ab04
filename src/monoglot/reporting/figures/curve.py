"""Curves of a training, or of what more tokens give."""

from __future__ import annotations

from collections.abc import Sequence

from monoglot.reporting.chart import Chart
from monoglot.reporting.svg import WIDTH, Scale, brief, drawing, element, label, line

LEFT, RIGHT, TOP, HEIGHT, BOTTOM = 44, 52, 30, 170, 40

Point = tuple[float, float]


def curve(
    title: str, name: str, points: Sequence[Point], *, marked: bool = False, across: str = "tokens seen"
) -> Chart:
    """Draw values measured at numbers of tokens.

    Args:
        title: What is shown.
        name: What was measured.
        points: Number of tokens, and the value.
        marked: Whether each measurement is shown as a dot.
        across: What the tokens are.
    """
    tokens, values = zip(*points, strict=True)
    span = (max(values) - min(values)) or 1.0
    right = Scale(0.0, float(max(*tokens, 1)), LEFT, WIDTH - RIGHT)
    up = Scale(min(values) - span * 0.05, max(values) + span * 0.05, TOP + HEIGHT, TOP)
    parts = [label(LEFT, 16, name, "strong")]
    for tick in up.ticks(5):
        parts.append(line(LEFT, up(tick), WIDTH - RIGHT, up(tick), "grid"))
        parts.append(label(LEFT - 8, up(tick) + 4, brief(tick), "muted number", "end"))
    for tick in right.ticks(5):
        parts.append(label(right(tick), TOP + HEIGHT + 18, brief(tick), "muted number", "middle"))
    parts.append(label(WIDTH - RIGHT, TOP + HEIGHT + 36, across, "muted", "end"))
    places = [(right(x), up(y)) for x, y in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    parts.append(element("path", d=path, class_="curve"))
    if marked:
        parts += [element("circle", cx=x, cy=y, r=3.0, class_="fill c1") for x, y in places]
    x, y = places[-1]
    parts.append(label(x + 8, y + 4, f"{values[-1]:.3f}", "strong number"))
    return Chart(drawing(TOP + HEIGHT + BOTTOM, title, *parts), (across, name), points)
