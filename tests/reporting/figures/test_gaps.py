"""Rows of differences: each dot inside its interval, on one axis with zero."""

from xml.etree import ElementTree

import pytest

from monoglot.evaluation.line_scores import Interval
from monoglot.reporting.figures.gaps import Gap, gaps
from monoglot.reporting.svg import WIDTH

SVG = "{http://www.w3.org/2000/svg}"


def test_dots_lie_in_their_intervals_and_better_ones_left_of_zero():
    rows = [
        Gap("trim", Interval(-0.3, -0.5, -0.1), is_control=True),
        Gap("focus", Interval(0.01, -0.02, 0.04)),
        Gap("a method with a very long name", Interval(1.0, 0.9, 1.1)),
    ]
    chart = gaps("bits", "blend", rows)
    tree = ElementTree.fromstring(chart.svg)
    lines = list(tree.iter(f"{SVG}line"))
    (zero,) = (float(one.attrib["x1"]) for one in lines if one.attrib["class"] == "axis")
    spans = [
        (float(one.attrib["x1"]), float(one.attrib["x2"]))
        for one in lines
        if one.attrib["class"] == "whisker"
    ]
    dots = [float(one.attrib["cx"]) for one in tree.iter(f"{SVG}circle")]
    assert all(0 < low < dot < high < WIDTH for dot, (low, high) in zip(dots, spans, strict=True))
    assert spans[0][1] < zero
    assert spans[1][0] < zero < spans[1][1]
    assert spans[2][0] > zero
    assert chart.rows[0] == ("trim", "yes", -0.3, -0.5, -0.1)
    assert [node.text for node in tree.iter(f"{SVG}text")][-1] == "+1.0000"


@pytest.mark.parametrize("value", [0.0, 1e-9, 1e6])
def test_any_size_can_be_drawn(value):
    chart = gaps("bits", "blend", [Gap("focus", Interval(value, value, value))])
    assert "nan" not in chart.svg.lower()
