"""The corpus as a whole: training and held-out lines, statistics, fingerprint, speed, and no network."""

from __future__ import annotations

import gzip
import random
import socket
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from monoglot.corpus import Corpus, CorpusStatistics, corpus as corpus_module, open_corpus
from monoglot.corpus.heldout import HeldoutChoice
from monoglot.errors import CorpusError
from tests.fixtures.tokenizers import DATA


def write(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def numbered(count: int) -> list[str]:
    return [f"Zeile {number} mit ein paar Wörtern" for number in range(count)]


def parts(corpus: Corpus) -> tuple[list[str], list[str]]:
    return list(corpus.lines()), list(corpus.heldout_lines())


def test_every_line_is_either_trained_on_or_held_out(tmp_path):
    lines = numbered(3_000)
    training, heldout = parts(open_corpus([write(tmp_path / "a.txt", lines)]))

    assert sorted(training + heldout) == sorted(lines)
    assert len(heldout) == 100  # up to 100 lines of a small corpus
    assert [line for line in lines if line in set(training)] == training  # in the order of the file


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (2, 1), (5, 1), (50, 5), (900, 90), (20_000, 200)])
def test_share_that_is_held_out(tmp_path, count, expected):
    corpus = open_corpus([write(tmp_path / "a.txt", numbered(count))])

    assert corpus.statistics().heldout_lines == expected
    assert corpus.statistics().lines == count - expected


def test_reading_again_gives_the_same(tmp_path):
    corpus = open_corpus([write(tmp_path / "a.txt", numbered(500))])

    assert parts(corpus) == parts(corpus)


def test_choice_depends_on_content_and_not_on_order_or_files(tmp_path):
    lines = numbered(2_000)
    whole = open_corpus([write(tmp_path / "a.txt", lines)])
    random.Random(1).shuffle(lines)
    halves = [write(tmp_path / "b.txt", lines[:700]), write(tmp_path / "c.txt", lines[700:])]

    assert set(open_corpus(halves).heldout_lines()) == set(whole.heldout_lines())


def test_copies_of_a_line_stay_together(tmp_path):
    lines = numbered(300) * 3
    corpus = open_corpus([write(tmp_path / "a.txt", lines)])
    training, heldout = parts(corpus)

    assert len(heldout) == len(set(heldout)) == 30  # a tenth of the 300 distinct lines
    assert not set(training) & set(heldout)
    assert len(training) == 3 * 270 == corpus.statistics().lines


def test_own_heldout_text_is_taken_and_excluded_from_training(tmp_path):
    lines = numbered(50)
    own = [*lines[10:13], "Ein ganz anderer Satz", lines[10]]
    corpus = open_corpus([write(tmp_path / "a.txt", lines)], heldout=write(tmp_path / "own.txt", own))

    assert list(corpus.heldout_lines()) == own[:4]
    assert list(corpus.lines()) == lines[:10] + lines[13:]
    assert (corpus.statistics().lines, corpus.statistics().heldout_lines) == (47, 4)


def test_statistics_count_words_and_bytes_of_each_part(tmp_path):
    corpus = open_corpus(
        [write(tmp_path / "a.txt", ["für dich", "  für dich ", "", " ", "ein\tTag", "新年"])]
    )
    training, heldout = parts(corpus)

    assert sorted(set(training + heldout)) == ["ein\tTag", "für dich", "新年"]
    statistics = corpus.statistics()
    for lines, words, size, text in [
        (statistics.lines, statistics.words, statistics.bytes, training),
        (statistics.heldout_lines, statistics.heldout_words, statistics.heldout_bytes, heldout),
    ]:
        assert (lines, words, size) == (
            len(text),
            sum(len(line.split()) for line in text),
            sum(len(line.encode()) for line in text),
        )


def test_earlier_survey_spares_a_pass(tmp_path, monkeypatch):
    path = write(tmp_path / "a.txt", numbered(200))
    first = open_corpus([path])
    statistics = CorpusStatistics(*astuple(first.statistics()))
    second = open_corpus([path])
    second.remember(statistics)
    monkeypatch.setattr(HeldoutChoice, "see", None)  # a second survey would fail

    assert parts(second) == parts(first)


def test_fingerprint_follows_content_column_and_heldout_text(tmp_path):
    a, b = write(tmp_path / "a.txt", ["eins"]), write(tmp_path / "b.txt", ["zwei"])
    same = write(tmp_path / "same.txt", ["eins"])
    fingerprints = [
        open_corpus(inputs, **options).fingerprint()
        for inputs, options in [
            ([a], {}),
            ([b], {}),
            ([a, b], {}),
            ([b, a], {}),
            ([a], {"column": "body"}),
            ([a], {"heldout": b}),
        ]
    ]

    assert len(set(fingerprints)) == len(fingerprints)
    assert open_corpus([same]).fingerprint() == fingerprints[0]
    assert open_corpus([a]).fingerprint() == fingerprints[0]


def test_documents_of_several_lines_become_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "eins\\n\\n  zwei\\r\\ndrei"}\n{"text": "vier"}\n', encoding="utf-8")
    training, heldout = parts(open_corpus([str(path)]))

    assert sorted(training + heldout) == ["drei", "eins", "vier", "zwei"]


def test_only_line_feeds_end_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffeins\r\nzwei\u2028noch zwei\x0bimmer\x85noch\rzwei\ndr\0ei".encode())
    training, heldout = parts(open_corpus([str(path)]))

    assert sorted(training + heldout) == ["drei", "eins", "zwei\u2028noch zwei\x0bimmer\x85noch\rzwei"]


def test_line_of_100_mb(tmp_path):
    path = tmp_path / "long.txt"
    path.write_bytes(b"kurz\n" + (b"x" * 999 + b" ") * 100_000 + b"\n")
    corpus = open_corpus([str(path)])
    statistics = corpus.statistics()

    assert {statistics.bytes, statistics.heldout_bytes} == {4, 99_999_999}
    assert {statistics.words, statistics.heldout_words} == {1, 100_000}
    assert sum(map(len, corpus.lines())) == statistics.bytes


@given(st.text("a \t\n", max_size=40), st.integers(1, 10))
def test_words_are_counted_across_slices(line, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "SLICE_CHARACTERS", size)
        assert corpus_module.number_of_words(line) == len(line.split())


def test_sample_texts_have_no_surprises():
    corpus = open_corpus([str(DATA / "*.txt")])
    statistics = corpus.statistics()
    raw = [
        line.strip() for path in sorted(DATA.glob("*.txt")) for line in path.read_text("utf-8").split("\n")
    ]

    assert statistics.lines + statistics.heldout_lines == len([line for line in raw if line])


@pytest.mark.parametrize("content", [b"", b"\n \n\t\n", b"\xef\xbb\xbf\n"])
def test_empty_corpus_is_refused(tmp_path, content):
    path = tmp_path / "empty.txt"
    path.write_bytes(content)

    with pytest.raises(CorpusError, match=r"no text to train on in .*empty\.txt"):
        open_corpus([str(path)]).statistics()


def test_empty_heldout_file_and_no_input_are_refused(tmp_path):
    text, empty = write(tmp_path / "a.txt", ["eins"]), write(tmp_path / "none.txt", [])

    with pytest.raises(CorpusError, match=r"held-out file .*none\.txt"):
        open_corpus([text], heldout=empty).statistics()
    with pytest.raises(CorpusError, match="no corpus was given"):
        open_corpus([])


def test_progress_adds_up_to_the_size_of_the_files(tmp_path):
    paths = [write(tmp_path / f"{name}.txt", numbered(5_000)) for name in "ab"]

    class Recorder:
        def task(self, description, total=None):
            self.total, self.done = total, 0.0
            return self

        def __enter__(self):
            return self.advance

        def __exit__(self, *error):
            return None

        def advance(self, amount):
            self.done += amount

    recorder = Recorder()
    open_corpus(paths).statistics(recorder)

    assert recorder.total == recorder.done == sum(Path(path).stat().st_size for path in paths)


def test_files_need_no_network_and_leave_no_cache(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a network connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "eins"}\n'))
    code = f"""
import sys
from monoglot.corpus import open_corpus
assert list(open_corpus([{str(path)!r}]).lines()) == ["eins"]
assert "datasets" not in sys.modules and "huggingface_hub" not in sys.modules
"""
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-c", code], check=True, env={"HOME": str(home)})

    assert list(open_corpus([str(path)]).lines()) == ["eins"]
    assert not list(home.rglob("*"))
