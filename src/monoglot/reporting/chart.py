"""A chart: a drawing, and the numbers that it shows, for those who want to draw or compute with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monoglot.reporting.svg import standalone

DIGITS = 7
"""Significant digits of a number in a file: what float32 has."""


@dataclass(frozen=True)
class Chart:
    """A drawing and its numbers.

    Attributes:
        figure: The drawing, to be put into a page that has ``figures.css``.
        head: Names of the columns of the numbers.
        rows: The numbers, with the texts that say what they are of.
    """

    figure: Markup
    head: Sequence[str]
    rows: Sequence[Sequence[object]]

    @property
    def svg(self) -> str:
        """The drawing as a file of its own."""
        return standalone(self.figure)

    @property
    def csv(self) -> str:
        """The numbers as a file: commas, a line of names first."""
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(self.head)
        writer.writerows([[_cell(value) for value in row] for row in self.rows])
        return written.getvalue()


def _cell(value: object) -> object:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else value
