"""The chart of `plan`: what each vocabulary saves, and how far it then is from the original."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monoglot.pipeline.plan_options import Law, Option, before_grafts
from monoglot.reporting.figures.distances import Dot, StraightLine, distances_over_savings
from monoglot.reporting.svg import standalone
from monoglot.run.atomic_files import atomic_write

COLORS = {"graft": 1, "replace": 2, "extend": 3}


def draw_chart(file: Path, options: Sequence[Option], law: Law | None, measure: str) -> None:
    """Write the chart.

    Args:
        file: Where to.
        options: The vocabularies tried.
        law: The line fitted to the grafts.
        measure: What the distance is.
    """
    with atomic_write(file) as opened:
        opened.write(chart(options, law, measure))


def chart(options: Sequence[Option], law: Law | None, measure: str) -> str:
    """Draw the options whose distance was measured or estimated; the original is where the axes meet.

    Args:
        options: The vocabularies tried.
        law: The line fitted to the grafts.
        measure: What the distance is.
    """
    dots = [dot for option in options[1:] if (dot := _dot(option)) is not None]
    expected = None
    trim = before_grafts(options)
    if law is not None and trim.distance is not None:
        name = f"line: trim's + {law.per_share:.2f} × share saved"
        expected = StraightLine(1 - trim.relative_tokens, trim.distance, law.per_share, name)
    return standalone(distances_over_savings(measure, dots, expected))


def _dot(option: Option) -> Dot | None:
    """An option as a dot; ``None`` where nothing is known of its distance."""
    distance = option.distance if option.distance is not None else option.estimate
    if distance is None:
        return None
    kind, _, size = option.name.partition(" ")
    return Dot(
        size if kind == "graft" else option.name,
        1 - option.relative_tokens,
        distance,
        option.margin or 0.0,
        is_estimate=option.distance is None,
        color=COLORS.get(kind, 0),
    )
