from xml.etree import ElementTree

import numpy as np
from hypothesis import given, strategies as st

from monoglot.reporting.figures.comparison import LABEL_HEIGHT, Series, apart, comparison_curves

SVG = "{http://www.w3.org/2000/svg}"
TOP, BOTTOM = 50, 420


@given(st.lists(st.floats(TOP, BOTTOM), min_size=1, max_size=(BOTTOM - TOP) // LABEL_HEIGHT))
def test_labels_do_not_cover_each_other(places):
    found = np.sort(apart(places, TOP, BOTTOM))
    assert found[0] >= TOP
    assert found[-1] <= BOTTOM
    assert (np.diff(found) >= LABEL_HEIGHT - 1e-6).all()


def test_there_is_a_labeled_curve_for_each_and_all_numbers():
    two = [((0, 9.0), (1000, 3.0)), ((0, 9.0), (1000, 4.0))]
    names = ["a", "b<&", *(f"method:option={n}" for n in range(18))]
    chart = comparison_curves("bits", [Series(name, two, name == "a", (42, 43)) for name in names])
    tree = ElementTree.fromstring(chart.svg)
    height = float(tree.attrib["viewBox"].split()[3])
    labels = [node for node in tree.iter(f"{SVG}text") if node.find(f"{SVG}title") is not None]
    assert [node.find(f"{SVG}title").text for node in labels] == names
    assert max(float(node.attrib["y"]) for node in labels) < height
    # A mean, two seeds and a line to the label.
    assert len(list(tree.iter(f"{SVG}polyline"))) == 4 * len(names)
    assert chart.rows[:3] == [("a", 42, 0, 9.0), ("a", 42, 1000, 3.0), ("a", 43, 0, 9.0)]
    assert len(chart.rows) == 4 * len(names)
    assert "href" not in chart.svg
