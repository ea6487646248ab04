import numpy as np
from hypothesis import given, strategies as st

from monoglot.reporting.figures.comparison import BOTTOM, LABEL_HEIGHT, TOP, apart


@given(st.lists(st.floats(TOP, BOTTOM), min_size=1, max_size=(BOTTOM - TOP) // LABEL_HEIGHT))
def test_labels_do_not_cover_each_other(places):
    found = np.sort(apart(places))
    assert found[0] >= TOP
    assert found[-1] <= BOTTOM
    assert (np.diff(found) >= LABEL_HEIGHT - 1e-6).all()
