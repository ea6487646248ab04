"""The numbers of a chart as a file."""

import csv
import io

from markupsafe import Markup

from monoglot.reporting.chart import Chart


def test_texts_of_all_kinds_and_numbers_come_back():
    rows = [('a, "b"', 3, 0.1234567890123), ("für\n", -1, 1e-9), ("", 0, float("nan"))]
    written = Chart(Markup("<svg></svg>"), ("name", "count", "value, %"), rows).csv
    head, *found = csv.reader(io.StringIO(written))
    assert head == ["name", "count", "value, %"]
    assert [row[0] for row in found] == [row[0] for row in rows]
    assert [int(row[1]) for row in found] == [3, -1, 0]
    assert found[0][2] == "0.1234568"
    assert float(found[1][2]) == 1e-9
