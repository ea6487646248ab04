"""What the report says of a graft's vocabulary, held against the files of the run."""

from __future__ import annotations

import json
import re

import pytest

from monoglot.pipeline.specialize import specialize
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.vocabulary_section import kept_table, new_tokens_table, saving_curve
from monoglot.settings import Settings
from tests.fixtures.folders import GERMAN


@pytest.fixture(scope="module")
def grafted(xlm_r, tmp_path_factory):
    output = tmp_path_factory.mktemp("run") / "out"
    specialize(xlm_r, GERMAN, output, Settings(new_tokens=40, threads=1))
    return output


def test_reasons_add_up(grafted):
    kept = json.loads((grafted / "monoglot" / "tokenizer" / "kept.json").read_text())["reasons"]
    table = kept_table(FinishedRun(grafted))
    assert [int(n.replace(",", "")) for _, n in table.rows] == list(kept.values())
    assert ("the text uses it", f"{kept['text']:,}") in table.rows


def test_the_best_new_tokens_come_first(grafted):
    table = new_tokens_table(FinishedRun(grafted))
    saved = [int(row[2].replace(",", "")) for row in table.rows]
    assert len(saved) == 20
    assert saved == sorted(saved, reverse=True)


def test_the_curve_ends_at_what_all_save(grafted):
    content = json.loads((grafted / "monoglot" / "tokenizer" / "new_tokens.json").read_text())
    share = 100 * sum(token["saved_tokens"] for token in content["new"]) / content["source_tokens"]
    chart = saving_curve(FinishedRun(grafted))
    assert f"{share:.3f}" in chart.figure
    assert chart.rows[-1] == pytest.approx((len(content["new"]), share))


def test_the_page_has_the_section(grafted):
    page = (grafted / "monoglot" / "report.html").read_text(encoding="utf-8")
    assert re.search(r'<section id="vocabulary">.*?the text uses it.*?What new tokens save', page, re.DOTALL)
    assert (grafted / "monoglot" / "figures" / "new-tokens.svg").is_file()


def test_a_replaced_vocabulary_has_neither(german_run):
    run = FinishedRun(german_run[0])
    assert kept_table(run) is None
    assert new_tokens_table(run) is None
    assert saving_curve(run) is None
