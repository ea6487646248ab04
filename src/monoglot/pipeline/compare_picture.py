"""The curves of a comparison as a self-contained SVG: held-out figure over tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it needs torch, which a picture does not
    from monoglot.pipeline.compare_result import Comparison, Curve, Found

WIDTH, HEIGHT = 930, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 640, 50, 420
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Okabe & Ito's palette, which people who can't tell red from green can read."""
DASHES = ("", "7 3", "2 3")
LABEL_HEIGHT = 17
LONGEST_LABEL = 34
"""Characters that surely fit; options can make names of any length."""


def picture(comparison: Comparison) -> str:
    """Draw one curve for each contestant that was trained: the mean of its seeds, and thin, each of them."""
    trained = [one for one in comparison.found if one.curves]
    points = [point for one in trained for curve in one.curves for point in curve]
    ticks = round_ticks(min(y for _, y in points), max(y for _, y in points))
    last = max(x for x, _ in points) or 1

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point
        down = (ticks[-1] - y) / (ticks[-1] - ticks[0])
        return LEFT + x / last * (RIGHT - LEFT), TOP + down * (BOTTOM - TOP)

    title = f"{comparison.measure} on held-out text, by tokens of training (lower is better)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="28" font-size="15">{escape(title)}</text>',
    ]
    for tick in ticks:
        y = place((0, tick))[1]
        parts.append(f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in round_ticks(0, last)[:-1]:
        x = place((tick, 0))[0]
        parts.append(f'<text x="{x:.1f}" y="{BOTTOM + 20}" text-anchor="middle">{tick:,.0f}</text>')
    parts.append(f'<text x="{RIGHT}" y="{BOTTOM + 42}" text-anchor="end">tokens</text>')
    ends = [place(mean_curve(one.curves)[-1])[1] for one in trained]
    for number, (one, label) in enumerate(zip(trained, apart(ends), strict=True)):
        style = f'stroke="{COLORS[number % len(COLORS)]}" fill="none"'
        dash = DASHES[number // len(COLORS) % len(DASHES)]
        style += f' stroke-dasharray="{dash}"' if dash else ""
        parts += curves(one, style, place)
        parts += caption(one, style, ends[number], label)
    return "\n".join([*parts, "</svg>"]) + "\n"


def curves(
    one: Found, style: str, place: Callable[[tuple[float, float]], tuple[float, float]]
) -> Iterator[str]:
    """The lines of one contestant."""
    lines = [(mean_curve(one.curves), f'{style} stroke-width="2"')]
    if len(one.curves) > 1:
        lines += [(curve, f'{style} stroke-width="0.7" opacity="0.5"') for curve in one.curves]
    for curve, look in lines:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, curve))
        yield f'<polyline points="{path}" {look}/>'


def caption(one: Found, style: str, end: float, label: float) -> Iterator[str]:
    """The name of a contestant beside the end of its curve."""
    path = f"{RIGHT},{end:.1f} {RIGHT + 14},{label:.1f} {RIGHT + 32},{label:.1f}"
    yield f'<polyline points="{path}" {style} stroke-width="1.2"/>'
    name = f"{one.name}{' (control)' if one.is_control else ''}"
    shown = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    yield f'<text x="{RIGHT + 38}" y="{label + 4:.1f}">{escape(shown)}<title>{escape(name)}</title></text>'


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean of curves that have the same tokens."""
    return tuple(
        (points[0][0], sum(y for _, y in points) / len(points)) for points in zip(*curves, strict=True)
    )


def round_ticks(low: float, high: float) -> list[float]:
    """Round numbers, about five, that enclose a range."""
    size = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(size / 4))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if size / (power * factor) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def apart(places: Sequence[float]) -> list[float]:
    """Places of labels near those wanted, none on another, inside the picture."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    found = [0.0] * len(places)
    least = float(TOP)
    for rank, index in enumerate(order):
        # What comes below still has to fit.
        most = BOTTOM - LABEL_HEIGHT * (len(order) - 1 - rank)
        found[index] = max(least, min(places[index], most))
        least = found[index] + LABEL_HEIGHT
    return found
