"""Elements are well-formed whatever is in them; axes have round ticks."""

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from monoglot.report.svg import Scale, brief, drawing, element, label, standalone


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
    assert math.isfinite(value)
