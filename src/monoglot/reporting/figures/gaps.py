"""How far others are behind, or ahead of, one of them: a dot and its interval in a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monoglot.evaluation.line_scores import Interval
from monoglot.reporting.chart import Chart
from monoglot.reporting.svg import WIDTH, Scale, brief, drawing, element, label, line

LEFT, RIGHT, TOP, ROW, BOTTOM = 150, 66, 50, 26, 42
LONGEST_LABEL = 21


@dataclass(frozen=True)
class Gap:
    """How far one is behind.

    Attributes:
        name: Its name.
        behind: By how much it is worse; below zero: better.
        is_control: Whether it is a control.
    """

    name: str
    behind: Interval
    is_control: bool = False


def gaps(measure: str, best: str, rows: Sequence[Gap]) -> Chart:
    """Draw how far each is behind one of them.

    Args:
        measure: What was measured; lower is better.
        best: The one that all are compared with.
        rows: The others, at least one.
    """
    ends = [0.0, *(end for row in rows for end in (row.behind.low, row.behind.high))]
    margin = (max(ends) - min(ends)) * 0.04 or 1.0
    across = Scale(min(ends) - margin, max(ends) + margin, LEFT, WIDTH - RIGHT)
    bottom = TOP + ROW * len(rows)
    title = f"behind {_short(best)}, in {measure}"
    parts = [
        label(0, 16, title, "strong"),
        label(0, 36, "dot: difference; line: its 95% interval; hollow: controls", "muted"),
    ]
    for tick in across.ticks(4):
        parts.append(line(across(tick), TOP, across(tick), bottom, "grid"))
        parts.append(
            label(across(tick), bottom + 18, brief(tick).replace("-", "−"), "muted number", "middle")
        )
    parts.append(line(across(0.0), TOP, across(0.0), bottom, "axis"))
    parts.append(label(LEFT, bottom + 36, "← better", "muted"))
    parts.append(label(WIDTH - RIGHT, bottom + 36, "worse →", "muted", "end"))
    for number, row in enumerate(rows):
        y = TOP + ROW * (number + 0.5)
        low, high = across(row.behind.low), across(row.behind.high)
        tip = f"{row.name}: {row.behind.value:+.4f}, 95% {row.behind.low:+.4f} to {row.behind.high:+.4f}"
        parts.append(label(LEFT - 12, y + 4, _short(row.name), anchor="end"))
        parts.append(line(low, y, high, y, "whisker"))
        dot = "dot h1" if row.is_control else "fill c1"
        parts.append(
            element("circle", element("title", tip), cx=across(row.behind.value), cy=y, r=4.5, class_=dot)
        )
        shown = f"{row.behind.value:+.4f}".replace("-", "−")
        parts.append(label(WIDTH, y + 4, shown, "number", "end"))
    numbers = [
        (row.name, "yes" if row.is_control else "", row.behind.value, row.behind.low, row.behind.high)
        for row in rows
    ]
    head = ("name", "control", f"behind {best}, {measure}", "95% low", "95% high")
    return Chart(drawing(bottom + BOTTOM, f"How far others are {title}", *parts), head, numbers)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
