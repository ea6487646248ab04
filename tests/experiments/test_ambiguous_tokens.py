"""Words whose meaning differs between languages: the rule that finds them, and who is held out."""

import gzip
from collections import Counter

import numpy as np
import pytest

from benchmarks.vectors_proxy import Known
from experiments.ambiguous_tokens.run import (
    ALONE,
    FEWEST,
    LEAST,
    MOST_ALONE,
    OTHER,
    REFERENCE,
    SAME,
    Case,
    Dictionary,
    check_size,
    counted,
    grouped,
    read_dictionary,
    shown,
)

PAIRS = (
    "poison\tGift", "gift\tGeschenk", "present\tGeschenk", "hand\tHand", "fast\tschnell", "almost\tfast",
    "nearly\tfast", "brief\tkurz", "letter\tBrief", "house\tHaus", "note\tNotiz", "memo\tNotiz",
    "memo\tNote",
)  # fmt: skip


def test_a_word_means_something_else_if_no_translation_is_a_synonym_of_the_same_english_word():
    groups = {word: Dictionary.of(PAIRS).group(word) for word in ("gift", "fast", "brief", "hand", "haus")}
    assert groups == {"gift": OTHER, "fast": OTHER, "brief": OTHER, "hand": SAME, "haus": ALONE}


def test_words_with_a_shared_sense_and_unknown_words_are_in_no_group():
    dictionary = Dictionary.of(PAIRS)
    assert dictionary.group("note") is None  # "memo" translates both
    assert dictionary.group("xyz") is None
    assert dictionary.group("poison") is None  # English only


def test_words_have_to_be_frequent_enough_in_both_texts():
    words = ["gift", "brief", "hand", "haus"]
    often = Counter(dict.fromkeys(words, LEAST))
    english = often - Counter(haus=LEAST)
    found = grouped(words, Dictionary.of(PAIRS), english, often, seed=0)
    assert found == {OTHER: ["brief", "gift"], SAME: ["hand"], ALONE: ["haus"]}
    rare = grouped(words, Dictionary.of(PAIRS), often - Counter(gift=1), often - Counter(hand=1), seed=0)
    assert rare == {OTHER: ["brief"], SAME: [], ALONE: []}


def test_of_many_words_of_one_language_a_seed_chooses_some():
    words = [f"wort{number}" for number in range(MOST_ALONE + 50)]
    dictionary, own = Dictionary.of(f"word\t{word}" for word in words), Counter(dict.fromkeys(words, LEAST))
    chosen = [grouped(words, dictionary, Counter(), own, seed)[ALONE] for seed in (0, 0, 1)]
    assert len(chosen[0]) == MOST_ALONE
    assert chosen[0] == chosen[1] != chosen[2]


def test_all_variants_of_a_word_are_held_out_and_whole_words_with_a_vector_scored():
    ids = np.arange(5)
    known = Known(ids, ids, np.eye(5, dtype=np.float32), ids)
    forms, begins = ["gift", "gift", "haus", "gift", "baum"], np.array([True, False, True, True, True])
    case = Case(None, known, forms, begins, {OTHER: ["gift"], ALONE: ["haus"]})
    assert case.held_out.tolist() == [True, True, True, True, False]
    usable = np.array([True, True, True, False, True])
    assert {name: found.tolist() for name, found in case.scored(usable).items()} == {OTHER: [0], ALONE: [2]}


def test_groups_of_few_words_are_refused():
    check_size({OTHER: np.arange(FEWEST), SAME: np.arange(FEWEST)})
    with pytest.raises(SystemExit, match=r"too few words to compare \(2 with same meaning; 10 needed\)"):
        check_size({OTHER: np.arange(FEWEST), SAME: np.arange(2)})


def test_words_are_counted_in_lower_case(tmp_path):
    (tmp_path / "text.txt").write_text("Die Hand, die\nHÄNDE.\n", encoding="utf-8")
    assert counted(tmp_path / "text.txt") == {"die": 2, "hand": 1, "hände": 1}


@pytest.mark.parametrize("name", ["wechsel_en_de.tsv", "wechsel_en_de.tsv.gz"])
def test_a_dictionary_may_be_compressed(tmp_path, name):
    (tmp_path / "dict").mkdir()
    text = "\n".join(PAIRS).encode()
    (tmp_path / "dict" / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert read_dictionary(tmp_path) == Dictionary.of(PAIRS)


def test_without_a_dictionary_one_sentence_says_so(tmp_path):
    with pytest.raises(SystemExit, match="there is no dictionary"):
        read_dictionary(tmp_path)


def test_the_table_has_differences_between_groups_and_between_spaces():
    def row(other):
        return {OTHER: other, SAME: [0.25, 0.15, 0.25, 0.35], ALONE: [0.5, 0.5, 0.5, 0.5],
                "tokens": {OTHER: 9, SAME: 8, ALONE: 7}, "anchors": 5_000}  # fmt: skip

    content = {
        "rows": {REFERENCE: row([0.5, 0.4, 0.5, 0.6]), "characters": row([0.75, 0.75, 0.75, 0.75])},
        "machine": {"processor": "P", "cores": 2}, "command": "python", "commit": "abc",
        "date": "2026-01-01", "words": {OTHER: ["fast", "gift"]},
    }  # fmt: skip
    lines = shown(content).splitlines()
    assert "another meaning, 9 tokens" in lines[0]
    assert lines[2] == ("| cooccurrence | 0.500 ± 0.100 | 0.250 ± 0.100 | 0.500 ± 0.000 | +0.250 ± 0.000 |")
    assert lines[7] == "| characters | +0.250 ± 0.100 | +0.000 ± 0.000 | +0.000 ± 0.000 |"
    assert lines[9] == "5,000 anchors. Some of the words with another meaning: fast, gift."
