import numpy as np
from hypothesis import given, strategies as st

from monoglot.training.filling import filling_order


@given(st.lists(st.integers(1, 20), max_size=60))
def test_documents_that_fill_windows_are_taken_out_of_turn(lengths):
    order = filling_order(np.array(lengths, np.int64), 20)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    room, left = 20, set(range(len(lengths)))
    for document in order.tolist():
        if min(left) != document and lengths[min(left)] <= room:
            raise AssertionError("the next in line would have fitted")
        if lengths[document] > room:  # a window ends only when none of those that are left would fit
            assert all(lengths[other] > room for other in left)
            room = 20
        room -= lengths[document]
        left.remove(document)
