import gzip
import json

import datasets
import pytest

from monoglot.errors import CorpusError
from monoglot.evaluation.labeled_data import read_split

TAGGED = {"tokens": ("tokens",), "labels": ("labels", "ner_tags")}
PAIRS = {"first": ("s1", "sentence1"), "score": ("score",)}
SQUAD = {"question": ("question",), "context": ("context",), "answers": ("answers",)}
CONLL = "-DOCSTART- O\n\n# sent_id = 5\nAnton B-PER\nWilhelm _ I-PER\n\n\nBonn\tB-LOC\r\n. O"


def write(folder, name, text):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


@pytest.mark.parametrize("name", ["ner.conll", "ner.txt.gz"])
def test_conll_has_sentences_between_empty_lines(tmp_path, name):
    split = read_split(write(tmp_path, name, CONLL), TAGGED, "train")
    assert split.lines == (4, 8)
    assert split.records == [
        {"tokens": ["Anton", "Wilhelm"], "labels": ["B-PER", "I-PER"]},
        {"tokens": ["Bonn", "."], "labels": ["B-LOC", "O"]},
    ]


def test_json_lines_take_the_names_that_data_sets_use(tmp_path):
    path = write(
        tmp_path, "a.JSONL", '{"sentence1": "ja", "score": 1, "more": 2}\n\n{"s1": "nein", "score": 0}\n'
    )
    split = read_split(path, PAIRS, "train")
    assert split.records == [{"first": "ja", "score": 1}, {"first": "nein", "score": 0}]
    assert split.place(1) == f"line 3 of {path}"


def squad(*questions):
    return json.dumps({"data": [{"paragraphs": [{"context": "In Bonn.", "qas": list(questions)}]}]})


def test_squad_questions_without_an_answer_are_passed_over(tmp_path):
    answered = {"question": "Wo?", "answers": [{"text": "Bonn", "answer_start": 3}], "id": "1"}
    path = write(tmp_path, "qa.json", squad(answered, {"question": "Wer?", "answers": [], "id": "2"}))
    expected = {"text": ["Bonn"], "answer_start": [3]}
    assert read_split(path, SQUAD, "test").records == [
        {"question": "Wo?", "context": "In Bonn.", "answers": expected}
    ]


BROKEN = {
    "no label": (
        "a.conll",
        "Anton B-PER\nWilhelm\n",
        TAGGED,
        "line 2 of {path} is 'Wilhelm'; expected a token",
    ),
    "no JSON": ("a.jsonl", '{"s1": "ja", "score": 1}\n{"s1":\n', PAIRS, "line 2 of {path} is not valid JSON"),
    "deep JSON": ("a.jsonl", "[" * 100_000, PAIRS, "line 1 of {path} is not valid JSON"),
    "a list": ("a.jsonl", "[1]\n", PAIRS, "line 1 of {path} is a JSON list"),
    "no field": ("a.jsonl", '\n{"s1": "ja"}\n', PAIRS, "line 2 of {path} has no 'score'; it has 's1'"),
    "no SQuAD": ("a.json", '{"date": []}', SQUAD, "{path} is not a SQuAD file"),
    "empty": ("a.conll", "\n", TAGGED, "no example in {path}"),
    "cut short": ("a.conll.gz", "", TAGGED, "no example in {path}"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_named_with_file_and_line(tmp_path, case):
    name, text, columns, message = BROKEN[case]
    path = write(tmp_path, name, text)
    with pytest.raises(CorpusError) as error:
        read_split(path, columns, "train")
    assert message.format(path=path) in str(error.value)


def test_files_that_are_not_there_or_not_text_are_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"nothing\.conll can't be read"):
        read_split(str(tmp_path / "nothing.conll"), TAGGED, "train")
    (tmp_path / "a.conll").write_bytes(b"Anton O\nf\xfcr O\n")
    with pytest.raises(CorpusError, match="is not UTF-8: line 2"):
        read_split(str(tmp_path / "a.conll"), TAGGED, "train")
    (tmp_path / "a.conll.gz").write_bytes(gzip.compress(CONLL.encode() * 100)[:-20])
    with pytest.raises(CorpusError, match="damaged or truncated"):
        read_split(str(tmp_path / "a.conll.gz"), TAGGED, "train")


def test_hub_data_sets_have_names_in_place_of_numbers(monkeypatch):
    features = datasets.Features({
        "tokens": datasets.List(datasets.Value("string")),
        "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
    })  # fmt: skip
    rows = datasets.Dataset.from_dict({"tokens": [["Anton", "."]], "ner_tags": [[1, 0]]}, features)
    asked = []

    def load(path, config, split):
        asked.append((path, config, split))
        return rows

    monkeypatch.setattr(datasets, "load_dataset", load)
    split = read_split("owner/name:de", TAGGED, "validation")
    assert split.records == [{"tokens": ["Anton", "."], "labels": ["B-PER", "O"]}]
    assert asked == [("owner/name", "de", "validation")]
    assert split.place(0) == "example 1 of owner/name:de"


def test_a_hub_data_set_that_is_not_there_is_refused(monkeypatch):
    def load(*args, **kwargs):
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(CorpusError, match=r"hub dataset \(no network\)"):
        read_split("owner/name", TAGGED, "train")


def test_prose_is_no_data(tmp_path):
    file = tmp_path / "prose.txt"
    file.write_text(
        "Ein Satz .\nEin Satz mit so vielen Wörtern , wie keine Datei in Spalten hat , denn es ist Text .\n"
    )
    with pytest.raises(CorpusError, match=r"line 2 of .* has 19 words; expected a token and its label"):
        read_split(str(file), {"tokens": ("tokens",), "labels": ("labels",)}, "test")
