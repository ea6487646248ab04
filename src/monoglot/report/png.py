"""Drawings as PNG, for where SVG can't go; by resvg, which reads the machine's fonts."""

from __future__ import annotations

from functools import cache
from typing import Any

from monoglot.errors import SettingError

WIDTH_PIXELS = 1440
FAMILIES = ("Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial", "Helvetica", "Segoe UI", "Roboto")
"""Where a drawing asks for a font without serifs, the first of these that the machine has."""


def as_png(svg: str) -> bytes:
    """Draw an SVG on white.

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
