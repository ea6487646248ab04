import json
from io import StringIO

import pytest
from rich.console import Console

from monoglot.cli.show import analysis_tables
from monoglot.cli.show.summary import PROVENANCE
from monoglot.maths.mixture import Provenance
from monoglot.pipeline.overlap_audit import overlap
from tests.fixtures.tokenizers import DATA


@pytest.fixture(scope="module")
def target(target_tokenizers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("target")
    target_tokenizers["unigram"].save_pretrained(folder)
    return str(folder)


def test_every_missing_token_has_a_prospect(xlm_r, target):
    analysis = overlap(str(xlm_r), target, [str(DATA / "de.txt")])
    prospect, audit = analysis.prospect, analysis.audit
    assert prospect.with_vector + prospect.with_pieces + prospect.without == audit.missing.all.tokens
    assert prospect.with_vector > 100
    groups = analysis.to_pandas()
    whole = groups[groups["by"] == "all"].set_index("tokens_are")["tokens"]
    assert whole.to_dict() == {"matched": audit.matched.all.tokens, "missing": audit.missing.all.tokens}
    assert audit.matched.all.tokens + audit.missing.all.tokens == 1000
    assert audit.matched.all.share == audit.matched.all.tokens / 1000
    assert audit.matched.all.corpus_share + audit.missing.all.corpus_share == pytest.approx(1)


def test_without_a_corpus_nothing_is_weighted(xlm_r, target):
    analysis = overlap(str(xlm_r), target)
    assert analysis.prospect.with_vector is None
    assert analysis.audit.matched.all.corpus_share is None
    assert json.loads(json.dumps(analysis.to_dict()))["initialization"]["with_vector"] is None
    assert len(list(analysis_tables(analysis))) > 5


@pytest.mark.parametrize("corpus", [(), (str(DATA / "de.txt"),)])
def test_the_tables_say_everything(xlm_r, target, corpus):
    analysis = overlap(str(xlm_r), target, corpus)
    console = Console(width=100, file=StringIO())
    for part in analysis_tables(analysis):
        console.print(part, highlight=False)
    shown = console.file.getvalue()
    for title in ("by script", "by place", "by length", "in common", "collisions", "would be initialized as"):
        assert title in shown
    assert ("by kind" in shown) == ("of the text" in shown) == ("auxiliary vector" in shown) == bool(corpus)
    assert all(len(line.rstrip()) <= 100 for line in shown.splitlines())


def test_every_provenance_has_a_name():
    assert set(PROVENANCE) == {provenance.name.lower() for provenance in Provenance}
