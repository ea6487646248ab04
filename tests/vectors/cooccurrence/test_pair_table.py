"""Tables of counts that can't be used."""

import pytest

from monoglot.errors import VectorsError
from monoglot.vectors.cooccurrence.pair_counts import PairCounts
from monoglot.vectors.cooccurrence.pair_table import PairTable, merge_tables


def test_tables_of_other_vocabularies_and_incomplete_ones_are_refused(tmp_path):
    small, large = (PairCounts(size, tmp_path).save(tmp_path / f"of-{size}") for size in (3, 4))
    with pytest.raises(VectorsError, match="vocabularies of 3 and 4 tokens"):
        merge_tables([small, large], tmp_path / "sum")
    (tmp_path / "of-3" / "indptr.npy").unlink()
    with pytest.raises(VectorsError, match="of-3 holds no table of counts"):
        PairTable.open(tmp_path / "of-3")
