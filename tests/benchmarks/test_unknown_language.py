"""An encoder that does not know the language: which pairs are trained on, what the table says."""

import json

from benchmarks.sentences import PAIRS
from benchmarks.unknown_language import dictionary_pairs, table, unscored_pairs


def test_no_pair_that_is_scored_is_trained_on(tmp_path):
    records = [{"src": f"Satz {n}", "eng": f"sentence {n}"} for n in range(PAIRS + 2)]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "tatoeba_eng.jsonl").write_text(text, encoding="utf-8")
    assert unscored_pairs(tmp_path) == [(f"Satz {n}", f"sentence {n}") for n in (PAIRS, PAIRS + 1)]


def test_a_sentence_is_one_line_of_parallel_text(tmp_path):
    records = [{"src": "eins", "eng": "one"}] * PAIRS + [{"src": "zwei\tund\ndrei", "eng": "two and  three"}]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "ntrex_eng.jsonl").write_text(text, encoding="utf-8")
    assert unscored_pairs(tmp_path) == [("zwei und drei", "two and three")]


def test_a_dictionary_is_turned_around_and_broken_lines_are_left_out():
    lines = ["free\tfrei\n", "off\n", "free of charge\tumsonst\n", "empty\t\n", "a\tb\tc\n"]
    assert dictionary_pairs(lines) == [("frei", "free"), ("umsonst", "free of charge")]


def _row(tokens, before, after=None):
    row = {"vocabulary": 1_000, "parameters": 12_300_000, "heldout_tokens": tokens, "before": before}
    return row | ({"after": after} if after else {})


def test_the_table_has_scores_before_and_after():
    rows = {
        "original": _row(100, {"cosine": 1.0, "ntrex": 0.25, "sts": 0.5}, {"ntrex": 0.75, "sts": 0.625}),
        "trim": _row(101, {"cosine": 0.5, "ntrex": 0.25, "sts": 0.5}),
    }
    lines = table(rows, ["ntrex", "sts"]).splitlines()
    assert lines[0] == (
        "|  | tokens | parameters | tokens saved | cosine | NTREX | STS | NTREX, trained | STS, trained |"
    )
    assert lines[2] == "| original | 1,000 | 12.3M | 0.0% | 1.000 | 0.250 | 0.500 | 0.750 | 0.625 |"
    assert lines[3] == "| trim | 1,000 | 12.3M | −1.0% | 0.500 | 0.250 | 0.500 | – | – |"
