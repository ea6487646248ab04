"""The result of a comparison: ranks, paired differences, sentences."""

import numpy as np
import pytest

from monoglot.evaluation.line_scores import LineScores
from monoglot.pipeline.compare.result import (
    Comparison,
    VariantResult,
    differences,
    ranked,
    verdict,
)


def variant(name, *ends, is_control=False, new=True):
    """One that scored so on each line of each run."""
    starts = ({"heldout": LineScores(np.full(50, 9.0), np.ones(50))},)
    runs = tuple({"heldout": LineScores(np.array(end), np.ones(50))} for end in ends)
    curves = tuple(((0, 9.0), (1000, run["heldout"].mean)) for run in runs)
    return VariantResult(name, is_control, new, 700, 10_000, 4000, starts, runs, curves)


@pytest.fixture
def scoreboard():
    """Two methods that are alike but for noise, one far behind, and controls."""
    rng = np.random.default_rng(0)
    base = rng.normal(3, 1, 50)
    found = ranked(
        [
            variant("far", base + 1, base + 1.1),
            variant("original as it is", is_control=True, new=False),
            variant("a", base + rng.normal(0, 0.5, 50), base + rng.normal(0, 0.5, 50)),
            variant("b<&", base + rng.normal(0, 0.5, 50), base + rng.normal(0, 0.5, 50)),
            variant("trim", base - 1.5, base - 1.6, is_control=True, new=False),
        ]
    )
    pairs = differences(found, 42)
    sentences = tuple(verdict(found, pairs, "bits per byte", 2))
    return Comparison("model", "clm", "bits per byte", 1000, (42, 43), 50, found, {}, pairs, sentences)


def test_they_are_ranked_by_the_end_and_those_without_one_come_last(scoreboard):
    assert [one.name for one in scoreboard.found][::4] == ["trim", "original as it is"]
    entries = scoreboard.to_dict()["contestants"]
    assert [entry["rank"] for entry in entries] == [1, 2, 3, 4, None]
    ends = [entry["end"]["heldout"]["mean"] for entry in entries[:4]]
    assert ends == sorted(ends)
    assert entries[0]["end"]["heldout"]["std"] == pytest.approx(0.1 / 2**0.5)
    assert entries[0]["start"]["heldout"]["std"] is None
    rows = scoreboard.to_pandas()
    assert rows["rank"].tolist()[:4] == [1, 2, 3, 4]
    assert rows["after"].tolist()[:4] == ends
    assert (rows["before"] == 9).all()


def test_a_first_look_shows_each_variant_and_the_verdict(scoreboard):
    shown = repr(scoreboard).splitlines()
    assert shown[0] == "Comparison"
    assert "bits per byte, lower is better (clm, 1,000 tokens, 2 seeds, 50 held-out lines)" in shown[2]
    assert shown[3].startswith("  trim               9.0000 → ")
    assert shown[7] == "  original as it is  9.0000, not trained"
    assert len(shown) == 8 + len(scoreboard.verdict)


def test_sentences_say_what_is_noise_and_what_is_not(scoreboard):
    alike, behind, trim, original = scoreboard.verdict
    best, second = (one.name for one in scoreboard.found[1:3])
    assert {best, second} == {"a", "b<&"}
    assert f"{best} and {second} can't be told apart" in alike
    assert "is better than far, behind by 1." in behind
    assert "is worse than trim by 1." in trim
    assert "is better than the original as it is by" in original
    assert len(scoreboard.pairs) == 10
    told = {frozenset((pair.first, pair.second)): pair.difference.excludes_zero for pair in scoreboard.pairs}
    assert [names for names, apart in told.items() if not apart] == [frozenset({"a", "b<&"})]


def test_one_seed_is_said_to_be_one(scoreboard):
    assert "one seed" in list(verdict(scoreboard.found, scoreboard.pairs, "bits", 1))[-1]
