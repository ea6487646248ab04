"""What new tokens save and cost: a dot for each vocabulary, its distance over the tokens that it saves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monoglot.reporting.svg import WIDTH, Scale, brief, drawing, element, label, line

LEFT, RIGHT, TOP, HEIGHT, BOTTOM = 52, 20, 62, 230, 42
CHARACTER, TEXT_HEIGHT, GAP = 8.4, 13.0, 7.0
"""Widest usual character and height of a label, and how far it stands from its dot."""

RADIUS = 4.0
STEPS = 60

Place = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(frozen=True)
class Dot:
    """A vocabulary in the figure.

    Attributes:
        name: What stands beside it.
        saved: Share of the tokens that it saves.
        distance: Its distance to the original.
        margin: How far the distance may be off, drawn as a line through the dot.
        is_estimate: Whether the distance was not measured: such a dot is hollow.
        color: Number of its color.
    """

    name: str
    saved: float
    distance: float
    margin: float = 0.0
    is_estimate: bool = False
    color: int = 1


@dataclass(frozen=True)
class StraightLine:
    """A line on which dots are expected.

    Attributes:
        saved: Share saved where it begins.
        distance: Distance there.
        slope: Distance for each further share of the tokens.
        name: What it is, in words.
    """

    saved: float
    distance: float
    slope: float
    name: str


def distances_over_savings(measure: str, dots: Sequence[Dot], expected: StraightLine | None) -> Markup:
    """Draw vocabularies by what they save and what they cost.

    Args:
        measure: What the distance is.
        dots: The vocabularies, at least one.
        expected: The line that was fitted to some of them.
    """
    across, up = _scales(dots)
    title = f"{measure}, before any training, over the share of tokens saved"
    parts = [element("title", title), label(LEFT, 18, measure, "strong")]
    below = "before any training" + (f"; {expected.name}" if expected is not None else "")
    parts.append(label(LEFT, 38, below, "muted"))
    for tick in up.ticks(5):
        parts.append(line(LEFT, up(tick), WIDTH - RIGHT, up(tick), "grid" if tick else "axis"))
        parts.append(label(LEFT - 8, up(tick) + 4, brief(tick), "muted number", "end"))
    for tick in across.ticks(5):
        parts.append(
            label(across(tick), TOP + HEIGHT + 18, f"{brief(100 * tick)}%", "muted number", "middle")
        )
    parts.append(label(WIDTH - RIGHT, TOP + HEIGHT + 36, "share of tokens saved", "muted", "end"))
    if any(dot.is_estimate for dot in dots):
        parts.append(label(LEFT, TOP + HEIGHT + 36, "hollow: estimated", "muted"))
    covered: list[Box] = []
    if expected is not None:
        start, end = _ends(expected, across, up)
        parts.append(line(*start, *end, "median"))
        covered += _along(start, end)
    places = [(across(dot.saved), up(dot.distance)) for dot in dots]
    for dot, (x, y) in zip(dots, places, strict=True):
        tip = element("title", f"{dot.name}: {dot.saved:.1%} saved, distance {dot.distance:.4f}")
        kind = f"hollow h{dot.color}" if dot.is_estimate else f"fill c{dot.color}"
        if dot.margin:
            top, bottom = up(dot.distance + dot.margin), up(dot.distance - dot.margin)
            parts.append(line(x, top, x, bottom, "axis"))
            covered.append((x - 1, top, x + 1, bottom))
        parts.append(element("circle", tip, cx=x, cy=y, r=RADIUS, class_=kind))
    boxes = label_boxes([dot.name for dot in dots], places, covered)
    parts += [label(box[0], box[3] - 3, dot.name, "number") for dot, box in zip(dots, boxes, strict=True)]
    return drawing(TOP + HEIGHT + BOTTOM, title, *parts)


def _scales(dots: Sequence[Dot]) -> tuple[Scale, Scale]:
    """Where savings and distances are drawn, with room below zero for a label."""
    saved = [0.0, *(dot.saved for dot in dots)]
    distances = [0.0, *(dot.distance + side * dot.margin for dot in dots for side in (-1, 1))]
    wide, high = max(saved) - min(saved) or 0.01, max(distances) - min(distances) or 0.01
    return (
        Scale(min(saved) - 0.03 * wide, max(saved) + 0.03 * wide, LEFT, WIDTH - RIGHT),
        Scale(min(distances) - 0.09 * high, max(distances) + 0.05 * high, TOP + HEIGHT, TOP),
    )


def _ends(expected: StraightLine, across: Scale, up: Scale) -> tuple[Place, Place]:
    """Where the line starts, and where it leaves the figure."""
    end = across.high
    if expected.slope:
        limit = up.high if expected.slope > 0 else up.low
        end = min(end, expected.saved + (limit - expected.distance) / expected.slope)
    height = expected.distance + expected.slope * (end - expected.saved)
    return (across(expected.saved), up(expected.distance)), (across(end), up(height))


def _along(start: Place, end: Place) -> Iterator[Box]:
    """Small boxes that cover a line."""
    for step in range(STEPS + 1):
        x, y = (a + (b - a) * step / STEPS for a, b in zip(start, end, strict=True))
        yield x - 3, y - 3, x + 3, y + 3


def label_boxes(names: Sequence[str], places: Sequence[Place], covered: Sequence[Box] = ()) -> list[Box]:
    """Find room for a label beside each dot: inside the figure, and if possible over nothing else.

    Args:
        names: The labels.
        places: Where the dots are.
        covered: What else is drawn.
    """
    taken = [*covered, *((x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in places)]
    boxes = []
    for name, place in zip(names, places, strict=True):
        best = min(_beside(name, place), key=lambda box: sum(_shared(box, other) for other in taken))
        taken.append(best)
        boxes.append(best)
    return boxes


def _beside(name: str, place: Place) -> Iterator[Box]:
    """Boxes around a dot, the preferred ones first: a rising line leaves room below and above."""
    x, y = place
    width = CHARACTER * len(name)
    for away in (1, 15, 31):
        yield from _in_row(x, width, y + away, right_first=True)
        yield from _in_row(x, width, y - TEXT_HEIGHT - away, right_first=False)


def _in_row(x: float, width: float, top: float, *, right_first: bool) -> Iterator[Box]:
    """Boxes to both sides of a dot."""
    sides = [x + GAP, x - GAP - width]
    for left in sides if right_first else sides[::-1]:
        inside = min(max(left, float(LEFT)), WIDTH - width)
        yield inside, top, inside + width, top + TEXT_HEIGHT


def _shared(first: Box, second: Box) -> float:
    """The area that two boxes share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)
