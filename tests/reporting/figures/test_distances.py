from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from monoglot.reporting.figures.distances import (
    HEIGHT,
    LEFT,
    TOP,
    Dot,
    StraightLine,
    distances_over_savings,
    label_boxes,
)
from monoglot.reporting.svg import WIDTH

GRAFTS = [(0.049, 0.0063), (0.10, 0.0106), (0.149, 0.0150), (0.193, 0.0189)]
SVG = "{http://www.w3.org/2000/svg}"


def overlaps(first, second) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def test_labels_of_a_usual_curve_cover_neither_each_other_nor_a_dot():
    places = [(60.0, 280.0), (110.0, 240.0), (130.0, 228.0), (180.0, 190.0), (250.0, 140.0), (440.0, 80.0)]
    boxes = label_boxes(["trim", "+500", "+1,000", "+2,000", "+5,000", "replace 32,000"], places)
    assert not [pair for pair in combinations(boxes, 2) if overlaps(*pair)]
    dots = [(x - 3, y - 3, x + 3, y + 3) for x, y in places]
    assert not [(box, dot) for box in boxes for dot in dots if overlaps(box, dot)]


@given(st.lists(st.tuples(st.floats(LEFT, WIDTH), st.floats(TOP, TOP + HEIGHT)), min_size=1, max_size=9))
def test_labels_stay_within_the_width(places):
    for left, _, right, _ in label_boxes(["replace 100,000"] * len(places), places):
        assert left >= LEFT
        assert right <= WIDTH + 1e-9


@pytest.mark.parametrize("distances", [[0.01, 0.03], [-0.2, 0.1], [-0.2, -0.1], [0.0, 0.0]])
def test_every_dot_lies_within_the_axes(distances):
    dots = [Dot("a", -0.01, distances[0]), Dot("b", 0.2, distances[1], is_estimate=True, color=3)]
    figure = distances_over_savings("bits per byte", dots, StraightLine(0.0, 0.0, 5 * distances[1], "a line"))
    drawn = ElementTree.fromstring(figure)
    circles = list(drawn.iter(f"{SVG}circle"))
    assert [circle.get("class") for circle in circles] == ["fill c1", "hollow h3"]
    for circle in circles:
        assert LEFT <= float(circle.get("cx")) <= WIDTH
        assert TOP <= float(circle.get("cy")) <= TOP + HEIGHT
    line = next(one for one in drawn.iter(f"{SVG}line") if one.get("class") == "median")
    assert all(TOP - 1 <= float(line.get(end)) <= TOP + HEIGHT + 1 for end in ("y1", "y2"))


def test_a_distance_is_higher_the_further_it_is_from_the_original():
    figure = distances_over_savings("distance", [Dot(f"{x}", x, y) for x, y in GRAFTS], None)
    places = [
        (float(c.get("cx")), float(c.get("cy"))) for c in ElementTree.fromstring(figure).iter(f"{SVG}circle")
    ]
    assert places == sorted(places)
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)
