"""What users point at: pipes, devices, links that lead back, bombs, other encodings, cloned data sets."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from monoglot.cli import main
from monoglot.corpus import open_corpus
from monoglot.corpus.files import TextFile
from monoglot.errors import CorpusError

HINDI = "यह एक वाक्य है।\nऔर यह दूसरा है।\n"
GERMAN = "Übermut tut selten gut.\nÄpfel fallen nicht weit.\n"


def lines(*given, **options):
    return list(open_corpus([str(name) for name in given], **options).all_lines())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", [HINDI, GERMAN, "plain words\nof English\n"])
def test_wide_characters_are_recognized_with_and_without_a_mark(tmp_path, encoding, text):
    file = tmp_path / "text.txt"
    file.write_bytes(text.encode(encoding))
    with pytest.raises(CorpusError, match=r"is UTF-(16|32)(LE|BE)?, not UTF-8; .*iconv -f UTF-"):
        lines(file)


def test_one_bad_byte_in_utf_8_does_not_make_it_latin_1(tmp_path):
    file = tmp_path / "text.txt"
    file.write_bytes(GERMAN.encode() + b"ein \xff Byte\n")
    with pytest.raises(CorpusError, match=r"line 3 .*is UTF-8, so correct that line, .*iconv -c"):
        lines(file)
    file.write_bytes("Größe\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="LATIN1"):
        lines(file)


@pytest.mark.parametrize("name", ["corpus", "corpus.txt"])
def test_lines_of_json_are_read_as_such_and_that_is_said(tmp_path, name, caplog):
    file = tmp_path / name
    file.write_text('{"text": "eine Zeile"}\n{"text": "noch eine"}\n')
    assert sorted(lines(file)) == ["eine Zeile", "noch eine"]
    assert "has lines of JSON" in caplog.text
    with pytest.raises(CorpusError, match="has no column 'body'"):
        lines(file, column="body")
    file.write_text('{"not": json}\n[1]\n')
    assert len(lines(file)) == 2


def test_suffixes_in_capitals(tmp_path):
    (tmp_path / "DE.TXT.GZ").write_bytes(gzip.compress(GERMAN.encode()))
    (tmp_path / "DE.JSONL.ZST").write_bytes(zstandard.compress(b'{"text": "Zeile"}\n'))
    assert len(lines(tmp_path)) == 3


def test_of_a_cloned_data_set_only_what_is_for_training_is_read(tmp_path, caplog):
    for name in ("train-00000-of-00001", "test-00000-of-00001", "validation-00000-of-00001"):
        pq.write_table(pa.table({"text": [name]}), tmp_path / f"{name}.parquet")
    assert lines(tmp_path) == ["train-00000-of-00001"]
    assert "2 other files are left out, such as test-00000-of-00001.parquet" in caplog.text
    assert lines(tmp_path / "test-00000-of-00001.parquet") == ["test-00000-of-00001"]


def test_a_folder_without_a_training_split_is_read_whole(tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "latest.txt").write_text("eine Zeile\n")
    (tmp_path / "trainer.txt").write_text("noch eine\n")
    assert len(lines(tmp_path)) == 2


def test_lines_that_end_in_carriage_returns_alone(tmp_path):
    for name in ("a.csv", "a.txt"):
        (tmp_path / name).write_bytes(b"text\reine\rzwei\r")
        with pytest.raises(CorpusError, match="carriage returns alone"):
            lines(tmp_path / name)


def test_parquet_that_is_not_utf_8(tmp_path):
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match="not UTF-8"):
        lines(tmp_path / "a.parquet")


def test_json_that_is_nested_too_deeply(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(CorpusError, match="line 1 of"):
        lines(tmp_path / "a.jsonl")


def test_names_that_are_not_utf_8_are_refused_first(tmp_path):
    folder = os.fsencode(tmp_path)
    with open(folder + b"/\xff.txt", "wb") as file:  # noqa: PTH123 - Path takes no bytes
        file.write(b"eine Zeile\n")
    for given in (tmp_path, tmp_path / "*.txt"):
        with pytest.raises(CorpusError, match="is not UTF-8; rename it"):
            lines(given)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/random"])
def test_devices_are_refused(device):
    with pytest.raises(CorpusError, match="is a device"):
        lines(device)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_a_pipe_is_read_once_and_can_be_gone_through_again(tmp_path, compress):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(compress(GERMAN.encode())))
    writer.start()
    corpus = open_corpus([str(pipe)])
    writer.join()
    assert [len(list(corpus.all_lines())) for _ in range(2)] == [2, 2]
    assert corpus.fingerprint() == corpus.fingerprint()


def test_standard_input(monkeypatch):
    class Input:
        buffer = io.BytesIO(b'{"text": "eine Zeile"}\n')

        @staticmethod
        def isatty():
            return False

    monkeypatch.setattr(sys, "stdin", Input)
    assert lines("-") == ["eine Zeile"]
    monkeypatch.setattr(Input, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", Input())
    monkeypatch.setattr(Input, "isatty", staticmethod(lambda: True))
    with pytest.raises(CorpusError, match="nothing is piped there"):
        lines("-")


def test_links_that_lead_back_end(tmp_path):
    (tmp_path / "a.txt").write_text("eine Zeile\n")
    for name in "bcdefgh":
        (tmp_path / name).symlink_to(tmp_path)
    assert lines(tmp_path / "**" / "*.txt") == ["eine Zeile"]
    assert lines(tmp_path) == ["eine Zeile"]


def test_a_bomb_does_not_fill_the_memory(tmp_path):
    """2 GB of zeros in 200 KB: read in bounded memory, and refused for its line."""
    file = tmp_path / "bomb.txt.zst"
    compressor = zstandard.ZstdCompressor(level=19).compressobj()
    with file.open("wb") as out:
        for _ in range(512):
            out.write(compressor.compress(bytes(1 << 20)))
        out.write(compressor.flush())
    code = (
        "import resource, sys\n"
        "from monoglot.corpus import open_corpus\n"
        "from monoglot.errors import CorpusError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    list(open_corpus([sys.argv[1]]).all_lines())\n"
        "except CorpusError as error:\n"
        "    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True, timeout=60
    )
    said, grown = result.stdout.strip().split("\n")
    assert "line 1 of" in said
    assert "longer than 128 MB" in said
    assert int(grown) < 400_000


def test_a_pattern_that_is_none(tmp_path):
    with pytest.raises(CorpusError, match=r"no file matches|is not a valid pattern"):
        lines(tmp_path / "a**b" / "*.txt")


FOREIGN = {
    "html": (b"\n <!DOCTYPE html>\n<html lang=de><p>Ein Satz.</p></html>\n", "is HTML, .*extract its text"),
    "html with a mark": (b"\xef\xbb\xbf<HTML><body>Ein Satz.\n", "is HTML, "),
    "xhtml": (b'<?xml version="1.0"?> <html xmlns="x">\n', "is HTML, "),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "is a PDF, .*pdftotext"),
    "docx": (b"PK\x03\x04\x14\x00\x06\x00\n", "is a ZIP archive, as office documents"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0", "is a picture, not text"),
    "gzip": (gzip.compress(GERMAN.encode()), "is compressed: give it the suffix .gz"),
    "zstd": (zstandard.compress(GERMAN.encode()), "is compressed: give it the suffix .zst"),
    "parquet": (b"PAR1\x15\x04\n", "is a parquet file: give it the suffix .parquet"),
    "random": (bytes(range(256)).replace(b"\n", b"") * 4, "is a binary file, not text"),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_no_text_is_named_with_a_way_out(kind, compressed, tmp_path):
    content, message = FOREIGN[kind]
    file = tmp_path / ("text.txt.gz" if compressed else "text.txt")
    file.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(CorpusError, match=message):
        lines(file)
    with pytest.raises(CorpusError, match=message):
        TextFile(file, "text").check_beginning()


@pytest.mark.parametrize(
    "text",
    ["<html-Tags> sind Zeichen in spitzen Klammern.\n", "BZ heißt Berliner Zeitung.\n", "PKW und LKW\n",
     "GIF ist ein Format.\n", "%PDF ist ein Anfang.\n", "\0\0\0\0\0ein Satz\n"],
)  # fmt: skip
def test_text_that_begins_alike_is_text(text, tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(text)
    assert lines(file) == [text.replace("\0", "").strip()]


def test_in_every_command_it_is_said_before_slow_imports(xlm_r, tmp_path, capsys):
    page = tmp_path / "page.txt"
    page.write_text("<html><body>Ein Satz.</body></html>\n")
    for command in ("specialize", "adapt", "compare", "evaluate", "plan"):
        output = ["--output", str(tmp_path / "out")] if command in ("specialize", "adapt", "compare") else []
        assert main([command, str(xlm_r), str(page), *output, "--quiet"]) == 2
        shown = capsys.readouterr()
        assert "page.txt is HTML, not plain text" in shown.err
        assert shown.err.count("\n") == 1
