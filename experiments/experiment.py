"""What all experiments share: ``--scale``, a result for each scale, and the table of their README.

An experiment is a folder: ``run.py`` writes ``small.json`` or ``paper.json`` with machine, commit and seeds,
and fills README.md from it, between marks. What is in the result, or in ``--work``, is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks import head, pages
from monoglot.reporting.svg import Scale, brief, drawing, element, label, line, standalone

SCALES = ("small", "paper")
SPLITS = 3
"""Draws of held-out lines and sentences."""
TOP, ROW, PLOT, LETTER = 36, 22, 320, 7.2
"""Places in a picture, and the width of a letter of its labels."""
COLOR = "#0072b2"


def parser(description: str | None, *names: str, **defaults: Any) -> argparse.ArgumentParser:
    """Make the parser of an experiment: `head.parser` with ``--scale``, ``--work`` and ``--table``."""
    made = head.parser(description, *names, **({"seed": 42, "threads": 1} | defaults))
    made.add_argument(
        "--scale", choices=SCALES, default="small", help="of a small machine, or of the paper (a GPU)"
    )
    made.add_argument(
        "--work", type=Path, default=Path("build/experiments"), help="models and other things to resume from"
    )
    made.add_argument("--table", action="store_true", help="only write the README's table from the result")
    return made


@dataclass(frozen=True)
class Results:
    """The result file of one experiment at one scale.

    Attributes:
        folder: Folder of the experiment.
        scale: ``small`` or ``paper``.
    """

    folder: Path
    scale: str

    def read(self) -> dict[str, Any]:
        """What was measured so far; nothing at first."""
        file = self.folder / f"{self.scale}.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def rows(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The rows that were measured with the same settings; others are not mixed with new ones."""
        known = self.read()
        same = all(known.get(name) == value for name, value in _plain(settings).items())
        return dict(known["rows"]) if known and same else {}

    def save(self, settings: Mapping[str, Any], rows: Mapping[str, Any], **more: Any) -> Path:
        """Write the result."""
        content = {"scale": self.scale, **settings, **more, "rows": dict(rows)}
        return head.save(self.scale, content, self.folder)

    def measure(
        self, settings: Mapping[str, Any], names: Iterable[str], work: Callable[[str], Any]
    ) -> dict[str, Any]:
        """Measure the rows that are not there yet, and save after each."""
        rows = self.rows(settings)
        for name in names:
            if name not in rows:
                rows[name] = work(name)
                self.save(settings, rows)
                print(name, rows[name], flush=True)
        return rows

    def conclude(
        self, shown: Callable[[Mapping[str, Any]], str], drawn: Callable[[Mapping[str, Any]], str]
    ) -> None:
        """Write the README's table for this scale, and the picture beside it, from the saved result.

        Args:
            shown: Makes the table of the whole result.
            drawn: Makes the picture of its rows.
        """
        content = self.read()
        self.show(shown(content), drawn(content["rows"]))

    def show(self, text: str, drawn: str) -> None:
        """Write a table into the README, and the picture beside it."""
        pages.fill(self.folder / "README.md", self.scale, text)
        (self.folder / f"{self.scale}.svg").write_text(drawn, encoding="utf-8")


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are after a journey through JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def spread(values: Sequence[float], digits: int = 4) -> str:
    """Write a mean and the standard deviation (n - 1) of seeds or draws."""
    text = f"{mean(values):.{digits}f}"
    return f"{text} ± {stdev(values):.{digits}f}" if len(values) > 1 and stdev(values) else text


def draws(values: np.ndarray) -> list[float]:
    """The mean of all values, then that of each draw."""
    return [float(values.mean()), *(float(values[draw::SPLITS].mean()) for draw in range(SPLITS))]


def cell(values: Sequence[float], digits: int) -> str:
    """The mean of all, with the standard deviation over draws."""
    return f"{values[0]:.{digits}f} ± {stdev(values[1:]):.{digits}f}"


def gap(values: Sequence[float], others: Sequence[float], digits: int = 4) -> str:
    """A difference, with the standard deviation over draws; both are measured on the same ones."""
    gaps = [mine - theirs for mine, theirs in zip(values, others, strict=True)]
    return f"{gaps[0]:+.{digits}f} ± {stdev(gaps[1:]):.{digits}f}".replace("-", "−")


@dataclass(frozen=True)
class Dot:
    """A figure in a picture.

    Attributes:
        name: What it is of.
        value: The figure.
        margin: Half of the interval to draw about it.
    """

    name: str
    value: float
    margin: float = 0.0


def picture(title: str, dots: Sequence[Dot]) -> str:
    """Draw figures one below the other, with intervals.

    Args:
        title: What is shown, with unit and whether less is better.
        dots: At least one.
    """
    ends = [end for dot in dots for end in (dot.value - dot.margin, dot.value + dot.margin)]
    left = 20 + LETTER * max(len(dot.name) for dot in dots)
    width = max(left + PLOT, 20 + LETTER * len(title))
    across = Scale(min(0.0, *ends), max(ends) * 1.05, left, width - 20.0)
    bottom = TOP + ROW * len(dots)
    parts = [label(10, 20, title)]
    for tick in across.ticks():
        parts += [line(across(tick), TOP - 6, across(tick), bottom, "grid"),
                  label(across(tick), bottom + 16, brief(tick), "muted", "middle")]  # fmt: skip
    for number, dot in enumerate(dots):
        y = TOP + ROW * number + ROW / 2
        low, high = across(dot.value - dot.margin), across(dot.value + dot.margin)
        parts += [label(left - 10.0, y + 4, dot.name, anchor="end"),
                  element("line", x1=low, x2=high, y1=y, y2=y, stroke=COLOR, stroke_width=2),
                  element("circle", cx=across(dot.value), cy=y, r=4, fill=COLOR)]  # fmt: skip
    return standalone(drawing(bottom + 26, title, *parts, width=round(width)))


def budget(content: Mapping[str, Any]) -> str:
    """Say where figures come from: command, commit, machine, date."""
    machine = content["machine"]
    return (
        f"`{content['command']}`, commit {content['commit']}, {machine['processor']}, "
        f"{machine['cores']} cores, {content['date']}"
    )
