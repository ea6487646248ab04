"""docs/glossary.md explains the labels of the report and of the terminal."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from rich.table import Table

import monoglot
from monoglot import EvaluateSettings, evaluate
from monoglot.cli.show import evaluation_tables, plan_tables, summary_table
from monoglot.cli.show.comparison import comparison_tables
from monoglot.cli.show.summary import PROVENANCE
from monoglot.reporting.facts import changes, gather, verdict
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.vocabulary_section import kept_table, new_tokens_table
from monoglot.reporting.wording import PROVENANCE_COLORS, provenance_name
from tests.fixtures.tokenizers import DATA

PAGE = Path(monoglot.__file__).parents[2] / "docs" / "glossary.md"
FIGURE_OF = re.compile(r"\s*\(held-out\)|\s*\((?:exact|pseudo-likelihood)\)|, \d+ held-out lines")
"""What stands behind a label and is explained elsewhere."""


@pytest.fixture(scope="module")
def terms() -> set[str]:
    """All words that the page explains."""
    return set(re.findall(r"\*\*(.+?)\*\*", PAGE.read_text(encoding="utf-8")))


def labels(shown: Iterable[object]) -> Iterator[str]:
    """Headings and first column of every table."""
    for table in shown:
        if isinstance(table, Table):
            for text in (*(column.header for column in table.columns), *table.columns[0].cells):
                yield re.sub(r"\[/?\w*\]", "", str(text)).strip()


def listed(function: object) -> set[str]:
    """Texts in the lists and tuples of a function: headings that it gives to tables."""
    tree = ast.parse(inspect.getsource(function))  # type: ignore[arg-type]
    found = (node for node in ast.walk(tree) if isinstance(node, ast.List | ast.Tuple))
    texts = (one.value for node in found for one in node.elts if isinstance(one, ast.Constant))
    return {" ".join(text.split()) for text in texts if isinstance(text, str) and text}


def unexplained(found: Iterable[str], terms: set[str], *, without: set[str] = frozenset()) -> set[str]:
    """Labels that the page does not have."""
    short = {FIGURE_OF.sub("", text) for text in found}
    return {text for text in short if text} - terms - without


def test_labels_of_specialize(german_run, terms):
    _, summary = german_run
    found = {*labels(summary_table(summary)), *PROVENANCE.values()}
    said = {"before", "after", "rows of the new vocabulary", "initialized by blend"}
    assert not unexplained(found, terms, without=said)


def test_labels_of_evaluate(tiny_folder, terms):
    folder = str(tiny_folder("gemma3"))
    found = evaluate(folder, DATA / "de.txt", against=folder, settings=EvaluateSettings(lines=3))
    shown = list(labels(evaluation_tables(found)))
    assert len(shown) > 10
    assert not unexplained(shown, terms, without={Path(folder).name})


@pytest.mark.parametrize("tables", [plan_tables, comparison_tables])
def test_labels_of_other_tables(tables, terms):
    found = listed(tables)
    assert len(found) >= 3
    assert not unexplained(found, terms)


def test_labels_of_the_report(german_run, terms):
    facts = gather(FinishedRun(german_run[0]), None)
    names = [row.name for row in changes(facts)] + [answer.name for answer in verdict(facts)]
    names += [provenance_name(name, "focus") for name in PROVENANCE_COLORS]
    found = {*names, *listed(kept_table), *listed(new_tokens_table)}
    assert len(found) > 15
    assert not unexplained(found, terms, without={"reasons", "source_tokens"})
