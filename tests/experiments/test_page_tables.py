"""The tutorials show the figures of the saved results."""

import pytest

from benchmarks import pages
from experiments import tutorials


@pytest.mark.parametrize("block", tutorials.BLOCKS)
def test_tables_are_those_of_the_results(block):
    assert pages.read(*block) == tutorials.BLOCKS[block](), "run `python -m experiments.tutorials`"
