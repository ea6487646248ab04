"""docs/results.md and the READMEs of experiments show the figures of the saved results."""

from importlib import import_module

import pytest

from benchmarks import pages
from experiments import collect
from experiments.experiment import Results

TABLES = [
    (file.parent.name, file.stem)
    for file in sorted(collect.EXPERIMENTS.glob("*/*.json"))
    if (file.parent / "run.py").exists()
]


@pytest.mark.parametrize("block", [name for name in collect.BLOCKS if name != "sources"])
def test_tables_are_those_of_the_results(block):
    written = pages.read(collect.PAGE, block)
    assert written == collect.BLOCKS[block](), "run `python -m experiments.collect`"


def test_every_listed_source_is_as_it_was_saved():
    written = set(pages.read(collect.PAGE, "sources").splitlines()[2:])
    known = set(collect.sources().splitlines()[2:])
    assert len(written) > 40
    assert written <= known, "run `python -m experiments.collect`"


@pytest.mark.parametrize(("name", "scale"), TABLES)
def test_the_tables_of_readmes_are_those_of_the_results(name, scale):
    folder = collect.EXPERIMENTS / name
    made = import_module(f"experiments.{name}.run").shown(Results(folder, scale).read())
    assert pages.read(folder / "README.md", scale) == made, f"run `python -m experiments.{name}.run --table`"
