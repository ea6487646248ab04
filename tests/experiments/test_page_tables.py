"""README, docs/modes.md and the tutorials show the figures of the saved results."""

import pytest

from benchmarks import pages
from experiments import page_tables


@pytest.mark.parametrize("block", page_tables.BLOCKS)
def test_tables_are_those_of_the_results(block):
    assert pages.read(*block) == page_tables.BLOCKS[block](), "run `python -m experiments.page_tables`"
