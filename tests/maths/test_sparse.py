import numpy as np
from hypothesis import given, strategies as st

from monoglot.maths.sparse import SparseRows, concatenated_ranges, offsets

lists = st.lists(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1, width=32)), max_size=5), max_size=8)


def build(content):
    entries = [entry for row in content for entry in row]
    return SparseRows(
        offsets(np.array([len(row) for row in content], np.int64)),
        np.array([column for column, _ in entries], np.int64),
        np.array([weight for _, weight in entries], np.float32),
    )


def content(rows):
    return [list(zip(*(a.tolist() for a in rows.row(i)), strict=True)) for i in range(len(rows))]


@given(lists, st.randoms())
def test_select_takes_rows_in_any_order(rows, random):
    chosen = [random.randrange(len(rows)) for _ in range(5)] if rows else []
    assert content(build(rows).select(np.array(chosen, np.int64))) == [rows[i] for i in chosen]


@given(lists, lists)
def test_stack_appends(first, second):
    assert content(SparseRows.stack([build(first), build(second)])) == first + second


def test_uniform_shares_weight_among_what_is_kept():
    rows = SparseRows.uniform(
        np.array([0, 3, 3, 5]), np.array([7, 8, 9, 1, 2]), np.array([True, False, True, False, False])
    )
    assert content(rows) == [[(7, 0.5), (9, 0.5)], [], []]


def test_concatenated_ranges():
    assert concatenated_ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]


def dense(rows, columns=10):
    result = np.zeros((len(rows), columns))
    for i in range(len(rows)):
        np.add.at(result[i], *rows.row(i))
    return result


@given(lists, st.randoms())
def test_total_adds_row_by_row(first, random):
    second = random.sample(first, len(first))
    total = SparseRows.total([build(first), build(second)])
    np.testing.assert_allclose(dense(total), dense(build(first)) + dense(build(second)), rtol=1e-6)
    for i in range(len(total)):
        columns = total.row(i)[0]
        assert (np.diff(columns) > 0).all()


@given(lists, st.integers(0, 255))
def test_kept_empties_the_others(rows, bits):
    mask = np.array([bits >> i & 1 for i in range(len(rows))], bool)
    assert content(build(rows).kept(mask)) == [
        row if keep else [] for row, keep in zip(rows, mask, strict=True)
    ]


def test_scaled_multiplies_each_row():
    rows = SparseRows.uniform(np.array([0, 2, 3]), np.array([7, 8, 9]), np.ones(3, bool))
    assert content(rows.scaled(np.array([2.0, 0.5]))) == [[(7, 1.0), (8, 1.0)], [(9, 0.5)]]


def test_rows_are_spread_over_the_true_places():
    rows = SparseRows.single(np.array([4, 7]))
    spread = rows.spread(np.array([False, True, False, True]))
    assert spread.lengths.tolist() == [0, 1, 0, 1]
    assert spread.indices.tolist() == [4, 7]
    assert SparseRows.empty(0).spread(np.zeros(3, bool)).lengths.tolist() == [0, 0, 0]
