"""SVG elements, axes with round numbers, and conversion to PNG."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from monoglot.errors import SettingError

TEMPLATES = files("monoglot.reporting") / "template"
WIDTH = 480
"""Width of every figure in its own units: so few that its text can be read on a phone."""


def element(name: str, content: str = "", /, **attributes: object) -> Markup:
    """Write an element.

    Args:
        name: Tag.
        content: ``Markup`` of inner elements; any other text is escaped.
        attributes: ``class_`` is written ``class``, other underscores as hyphens; numbers are rounded to 0.1.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(_attribute(key), _number(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{}{}>{}</{}>").format(Markup(name), written, escape(content), Markup(name))


def group(*parts: Markup, **attributes: object) -> Markup:
    """Group elements."""
    return element("g", Markup("").join(parts), **attributes)


def label(x: float, y: float, text: str, kind: str = "", anchor: str | None = None) -> Markup:
    """Write a text; its direction is its own, so that right-to-left names stay in place."""
    return element(
        "text", text, x=x, y=y, class_=f"label {kind}".rstrip(), text_anchor=anchor, unicode_bidi="plaintext"
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def drawing(height: float, title: str, *parts: Markup, width: float = WIDTH, **attributes: object) -> Markup:
    """A whole figure, to be put into a page that has ``figures.css``.

    Args:
        height: Height in the figure's own units.
        title: What it shows, for those who can't see it.
        parts: Its elements.
        width: Width in the same units.
        attributes: Further attributes of the outermost element.
    """
    return element(
        "svg",
        Markup("").join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height:.0f}",
        role="img",
        aria_label=title,
        **attributes,
    )


def standalone(figure: Markup) -> str:
    """Write a figure as a file of its own, with its style inside."""
    head, end, rest = str(figure).partition(">")
    return f"{head}{end}<style>{figure_style()}</style>{rest}\n"


def figure_style() -> str:
    """Give the style of a figure that is a file of its own, in the colors of light paper.

    Programs that turn SVG into PDF don't know variables, so each is replaced by its value.
    """
    palette, style = (
        (TEMPLATES / name).read_text(encoding="utf-8") for name in ("palette.css", "figures.css")
    )
    light = dict(reversed(re.findall(r"--([\w-]+): (#\w+);", palette)))
    return re.sub(r"var\(--([\w-]+)\)", lambda match: light[match[1]], style)


@dataclass(frozen=True)
class Scale:
    """A linear map from values to places.

    Attributes:
        low: The least value.
        high: The largest value.
        start: The place of the least.
        end: The place of the largest.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Compute the place of a value."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Give at most n round values within the scale."""
        span = self.high - self.low
        if not span > 0:
            return [self.low]
        rough = span / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]


def brief(value: float) -> str:
    """Format a number for an axis: ``1.2M``, ``500k``, ``0.05``."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{suffix}"
    return f"{value:.4g}"


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value)


WIDTH_PIXELS = 1440
FAMILIES = ("Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial", "Helvetica", "Segoe UI", "Roboto")
"""Where a drawing asks for a font without serifs, the first of these that the machine has."""


def as_png(svg: str) -> bytes:
    """Convert an SVG to PNG on white.

    Raises:
        SettingError: If resvg is not installed, or there is no font: its text would be missing.
    """
    family = font_family()
    return _drawn(svg, width=WIDTH_PIXELS, background="#ffffff", font_family=family, sans_serif_family=family)


@cache
def font_family() -> str:
    """Find a font: resvg leaves text out, without a word, where it has none.

    Raises:
        SettingError: If none is found.
    """
    blank = _drawn(_sample("", "Arial"))
    found = next((name for name in FAMILIES if _drawn(_sample("Ag", name)) != blank), None)
    if found is None:
        raise SettingError(
            f"--png found none of the fonts {', '.join(FAMILIES)} on this machine: install one (on Debian "
            "`apt install fonts-dejavu-core`), or use the SVG files"
        )
    return found


def _sample(text: str, family: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">'
        f'<text x="2" y="15" font-family="{family}">{text}</text></svg>'
    )


def _drawn(svg: str, **options: Any) -> bytes:
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise SettingError(
            "--png needs the package resvg-py, which is not installed: run `pip install 'monoglot[png]'`"
        ) from None
    return bytes(svg_to_bytes(svg_string=svg, **options))
