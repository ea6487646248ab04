"""Files of every format and compression, and each way in which they can be wrong."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from monoglot.corpus.files import TextFile, could_be_hub_name, find_files
from monoglot.errors import CorpusError

TEXTS = ["für dich", "", 'er sagte: "nein", und ging', "zwei\nZeilen", "新年 مرحبا"]


def ignore(amount: float) -> None:
    pass


def read(path: Path, column: str = "text") -> list[str]:
    return list(TextFile(path, column).texts(ignore))


def plain(texts: list[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def jsonl(texts: list[str]) -> bytes:
    records = [{"id": 1, "text": text} for text in texts]
    return plain([json.dumps(record, ensure_ascii=number % 2 == 0) for number, record in enumerate(records)])


def csv(texts: list[str]) -> bytes:
    return plain(
        ["id,text", *(f'{n},"{text.replace(chr(34), chr(34) * 2)}"' for n, text in enumerate(texts))]
    )


def parquet(texts: list[str]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": range(len(texts)), "text": texts}), sink, row_group_size=2)
    return sink.getvalue().to_pybytes()


FORMATS = {"jsonl": jsonl, "csv": csv, "parquet": parquet}
COMPRESSIONS = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("kind", FORMATS)
def test_formats_with_columns(tmp_path, kind, compression):
    path = tmp_path / f"corpus.{kind}{compression}"
    path.write_bytes(COMPRESSIONS[compression](FORMATS[kind](TEXTS)))

    assert read(path) == TEXTS


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_plain_text(tmp_path, compression):
    path = tmp_path / f"corpus.txt{compression}"
    path.write_bytes(COMPRESSIONS[compression](plain(["für", "新年"])))

    assert read(path) == ["für\n", "新年\n"]


def test_several_frames_and_members_are_one_text(tmp_path):
    for name, compress in [("a.txt.zst", COMPRESSIONS[".zst"]), ("a.txt.gz", gzip.compress)]:
        path = tmp_path / name
        path.write_bytes(compress(b"eins\nzw") + compress(b"ei\n"))
        assert read(path) == ["eins\n", "zwei\n"]


@pytest.mark.parametrize("compression", [".gz", ".zst"])
@pytest.mark.parametrize("kept", [-1, -5, 3_000, 1])
def test_truncated_file_is_refused(tmp_path, compression, kept):
    path = tmp_path / f"corpus.txt{compression}"
    path.write_bytes(COMPRESSIONS[compression](os.urandom(200_000).hex().encode())[:kept])

    with pytest.raises(CorpusError, match="damaged or truncated"):
        read(path)


def test_a_file_cut_short_in_its_second_frame_is_refused(tmp_path):
    path = tmp_path / "corpus.txt.zst"
    compress = COMPRESSIONS[".zst"]
    path.write_bytes(compress(b"eins\n") + compress(b"zwei\n")[:-1])

    with pytest.raises(CorpusError, match="damaged or truncated"):
        read(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, compression):
    path = tmp_path / f"corpus.txt{compression}"
    path.write_bytes(COMPRESSIONS[compression](b"eins\n"))
    path.chmod(0)

    with pytest.raises(CorpusError, match=r"can't be read \(Permission denied\)"):
        read(path)


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.zst", "a.parquet"])
def test_file_that_is_not_what_its_name_says_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"nothing but plain text\n" * 9)

    with pytest.raises(CorpusError, match=name):
        read(path)


def test_wrong_encoding_names_line_and_byte(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"\xef\xbb\xbfeins\n" + "zwei\nfür\n".encode("latin-1"))

    with pytest.raises(
        CorpusError, match=r"line 3 has the byte 0xFC at offset 14 .*iconv -f LATIN1 -t UTF-8"
    ):
        read(path)
    assert path.read_bytes()[14] == 0xFC


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_utf_16_is_recognized(tmp_path, name):
    path = tmp_path / name
    path.write_text("text\neins\n", encoding="utf-16")

    with pytest.raises(CorpusError, match=r"is UTF-16, not UTF-8; .*iconv -f UTF-16 "):
        read(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_missing_column_names_those_there(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(FORMATS[kind](["eins"]))

    with pytest.raises(CorpusError, match=rf"a\.{kind}.* no column 'body'; it has 'id', 'text': .*--column"):
        read(path, "body")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_column_without_text_is_refused(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(FORMATS[kind](["eins"]))

    with pytest.raises(CorpusError, match=r"'id' of .* holds int values"):
        read(path, "id")


@pytest.mark.parametrize(
    ("second_line", "message"),
    [
        ("{broken", "line 2 of .*not valid JSON"),
        ("[1, 2]", "a JSON list; expected an object"),
        ("{}", "no column"),
    ],
)
def test_broken_json_names_the_line(tmp_path, second_line, message):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "eins"}}\n{second_line}\n')

    with pytest.raises(CorpusError, match=message):
        read(path)


def test_json_oddities(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": null}\n\n{"text": "\\ud83d\\ude00 \\ud83d!"}\n')

    assert read(path) == ["", "😀 \N{REPLACEMENT CHARACTER}!"]


def test_csv_oddities(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('\ufefftext,note\r\n"'.encode() + b"x" * 300_000 + b'",1\r\n\r\nnur der Text\r\n')

    assert read(path) == ["x" * 300_000, "nur der Text"]
    with pytest.raises(CorpusError, match=r"line 4 of .* has 1 fields; expected 2"):
        read(path, "note")


def test_nulls_in_parquet_are_empty(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["eins", None]}), path)

    assert read(path) == ["eins", ""]


def test_unknown_format_and_missing_file_are_refused(tmp_path):
    (tmp_path / "a.docx").write_bytes(b"")
    (tmp_path / "ohne").write_bytes(b"eins\n")

    with pytest.raises(CorpusError, match=r"suffix '\.docx'.*expected \.txt, \.jsonl, \.csv, \.parquet"):
        find_files(str(tmp_path / "a.docx"))
    with pytest.raises(CorpusError, match=r"suffix '\.docx'"):
        find_files(str(tmp_path / "*"))
    with pytest.raises(CorpusError, match=r"there is no file .*b\.txt"):
        find_files(str(tmp_path / "b.txt"))
    with pytest.raises(CorpusError, match=r"no file matches the pattern '.*\*\.txt'"):
        find_files(str(tmp_path / "*.txt"))
    assert read(find_files(str(tmp_path / "ohne"))[0]) == ["eins\n"]


def test_folders_and_globs_are_sorted(tmp_path, monkeypatch):
    for name in ["b.txt", "a.jsonl.gz", "sub/c.csv", "notes.md"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert [path.name for path in find_files(str(tmp_path))] == ["a.jsonl.gz", "b.txt", "c.csv"]
    assert [path.name for path in find_files(str(tmp_path / "[ab].*"))] == ["a.jsonl.gz", "b.txt"]
    assert [path.name for path in find_files(str(tmp_path / "**" / "*.csv"))] == ["c.csv"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="contains no file of a known format"):
        find_files(str(tmp_path / "empty"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_files("~/b.txt") == [tmp_path / "b.txt"]


def test_file_with_brackets_in_its_name_is_no_pattern(tmp_path):
    path = tmp_path / "a[1].txt"
    path.touch()

    assert find_files(str(path)) == [path]


def test_unreadable_file_is_refused(tmp_path):
    path = tmp_path / "folder.txt"
    path.mkdir()

    with pytest.raises(CorpusError, match=r"folder\.txt can't be read \(Is a directory\)"):
        read(path)
    with pytest.raises(CorpusError, match=r"folder\.txt can't be read \(Is a directory\)"):
        TextFile(path, "text").fingerprint()


def test_what_is_taken_for_a_hub_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()

    assert [could_be_hub_name(name) for name in ["statmt/cc100", "statmt/cc100:de", "a/b:c:d"]] == [True] * 3
    paths = [
        "corpus",
        "corpus.txt",
        "data/de",
        "data/x.txt",
        "x/y.txt.gz",
        "/a/b",
        "./a/b",
        "a/b/c",
        "a/*",
        "~/a",
    ]
    assert [name for name in paths if could_be_hub_name(name)] == []
