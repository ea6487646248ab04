"""Drawings as PNG."""

from __future__ import annotations

import sys

import pytest

from monoglot.errors import SettingError
from monoglot.report import png

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 100"><text y="50">{}</text></svg>'


@pytest.fixture(autouse=True)
def forgetful():
    """Fonts are looked for once in a process."""
    png.font_family.cache_clear()
    yield
    png.font_family.cache_clear()


def test_a_drawing_has_its_text_or_is_refused():
    refusal = ""
    try:
        assert png.font_family() in png.FAMILIES
    except SettingError as error:
        refusal = str(error)
    if refusal:  # a machine without fonts
        assert "install one" in refusal
        return
    drawn = [png.as_png(SVG.format(text)) for text in ("", "mixed")]
    assert drawn[0] != drawn[1]
    for content in drawn:
        assert content.startswith(b"\x89PNG\r\n")
        assert int.from_bytes(content[16:20], "big") == png.WIDTH_PIXELS
        assert int.from_bytes(content[20:24], "big") == png.WIDTH_PIXELS * 100 // 480


def test_text_is_never_left_out_silently(monkeypatch):
    monkeypatch.setattr(png, "FAMILIES", ("No Such Font", "Nor This"))
    with pytest.raises(SettingError, match="none of the fonts No Such Font, Nor This"):
        png.as_png(SVG.format("a"))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(SettingError, match=r"pip install 'monoglot\[png\]'"):
        png.as_png(SVG.format("a"))
