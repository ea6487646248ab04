"""Bars that divide groups of tokens by where their rows come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from monoglot.reporting.chart import Chart
from monoglot.reporting.svg import WIDTH, Scale, drawing, element, label
from monoglot.reporting.tokens import Crosstab

LEFT, RIGHT, ROW, LINE, AXIS = 100, 62, 28, 20, 16
LEAST_SHARE_LABELED = 0.09


def stacked_bars(title: str, crosstab: Crosstab, colors: Mapping[str, int]) -> Chart:
    """Draw a stacked bar for each group, of equal length; its number of tokens stands at its end.

    Args:
        title: What is shown.
        crosstab: Counts of tokens, a group a row.
        colors: Number of the color of each column.
    """
    parts, top = _legend(crosstab.columns, colors)
    for number, (name, counts) in enumerate(zip(crosstab.rows, crosstab.counts, strict=True)):
        y = top + number * ROW
        parts.append(label(LEFT - 10, y + 15, name, anchor="end"))
        parts += _bar(y, counts, crosstab.columns, colors)
        parts.append(label(WIDTH, y + 15, f"{sum(counts):,}", "muted number", "end"))
    bottom = top + len(crosstab.rows) * ROW
    across = Scale(0, 100, LEFT, WIDTH - RIGHT)
    for tick in (0, 25, 50, 75, 100):
        anchor = "end" if tick == 100 else "middle"  # the heading of the numbers stands beside it
        parts.append(label(across(tick), bottom + 10, f"{tick}%", "muted number", anchor))
    parts.append(label(WIDTH, bottom + 10, "tokens", "muted", "end"))
    rows = [(name, *counts) for name, counts in zip(crosstab.rows, crosstab.counts, strict=True)]
    return Chart(drawing(bottom + AXIS, title, *parts), ("", *crosstab.columns), rows)


def _bar(y: float, counts: Sequence[int], columns: Sequence[str], colors: Mapping[str, int]) -> list[Markup]:
    parts, total, before = [], max(1, sum(counts)), 0
    scale = Scale(0, total, LEFT, WIDTH - RIGHT)
    for name, count in zip(columns, counts, strict=True):
        if count:
            x, end = scale(before), scale(before + count)
            tip = element("title", f"{name}: {count:,} ({count / total:.1%})")
            parts.append(
                element("rect", tip, x=x, y=y, width=max(0.5, end - x - 1), height=20.0,
                        class_=f"fill c{colors[name]}")
            )  # fmt: skip
            if count / total >= LEAST_SHARE_LABELED:
                parts.append(
                    label((x + end) / 2, y + 14.5, f"{count / total:.0%}", "inside", anchor="middle")
                )
        before += count
    return parts


def _legend(columns: Sequence[str], colors: Mapping[str, int]) -> tuple[list[Markup], float]:
    """The names of the colors, on as many lines as they need, and where the bars may begin."""
    parts: list[Markup] = []
    x, y = float(LEFT), 6.0
    for name in columns:
        width = 28 + 7.4 * len(name)
        if x > LEFT and x + width > WIDTH:
            x, y = float(LEFT), y + LINE
        parts.append(element("rect", x=x, y=y, width=10.0, height=10.0, class_=f"fill c{colors[name]}"))
        parts.append(label(x + 15, y + 9.5, name, "muted"))
        x += width
    return parts, y + 26
