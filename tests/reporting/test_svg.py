"""Elements are well-formed whatever is in them; axes have round ticks."""

from __future__ import annotations

import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from monoglot.errors import SettingError
from monoglot.reporting import svg as png
from monoglot.reporting.svg import Scale, brief, drawing, element, label, standalone


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20))
def test_any_text_is_well_formed_and_comes_back(text):
    root = ElementTree.fromstring(drawing(10, "title", label(1, 2, text)))
    assert (root[0].text or "") == text


def test_attributes_are_escaped_and_rounded():
    assert str(element("g", class_='a"<b', x=1.25, data_color="p")) == (
        '<g class="a&#34;&lt;b" x="1.2" data-color="p"></g>'
    )


def test_a_file_needs_no_variables():
    written = standalone(drawing(10, "title", element("rect", class_="c1")))
    assert "var(" not in written
    assert "#00687c" in written
    ElementTree.fromstring(written)


@given(
    st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 12)
)  # fmt: skip
def test_ticks_are_few_and_within(low, span, most):
    scale = Scale(low, low + span, 0, 100)
    ticks = scale.ticks(most)
    assert len(ticks) <= most + 1
    assert all(scale.low - span * 1e-6 <= tick <= scale.high + span * 1e-6 for tick in ticks)


def test_equal_ends_make_no_trouble():
    scale = Scale(3, 3, 0, 100)
    assert scale(3) == 50
    assert scale.ticks() == [3]


@pytest.mark.parametrize(("value", "text"), [(0.05, "0.05"), (1500, "1.5k"), (2e6, "2M"), (3e9, "3G")])
def test_brief(value, text):
    assert brief(value) == text


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
