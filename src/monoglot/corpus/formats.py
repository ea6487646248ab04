"""Reads texts from one open file: plain lines, or a column of jsonl, csv or parquet, compressed or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import re
import shutil
import tempfile
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, BinaryIO

from monoglot.errors import CorpusError, first_line

logger = logging.getLogger(__name__)


BUFFER_BYTES = 1 << 20
SUFFIXES = (".gz", ".zst")
READ_ERRORS = (OSError, EOFError, zlib.error)
"""What reading a file may raise; `is_damage` tells a damaged file from one that can't be read."""


def decompressed(raw: BinaryIO, suffix: str) -> BinaryIO:
    """Open the content of a compressed file.

    Args:
        raw: The file as it lies on disk.
        suffix: ``.gz``, ``.zst``, or anything else for a file that is not compressed.

    Returns:
        The content; reading it raises one of ``READ_ERRORS`` if the file is damaged or ends too early.
    """
    if suffix == ".gz":
        # BufferedReader splits lines in C; GzipFile by itself runs Python code for each line.
        return io.BufferedReader(gzip.GzipFile(fileobj=raw, mode="rb"), BUFFER_BYTES)
    if suffix == ".zst":
        import pyarrow as pa

        # zstandard's own reader takes a truncated frame for the end of the file.
        return io.BufferedReader(pa.input_stream(_KeptOpen(raw), compression="zstd"), BUFFER_BYTES)
    return raw


class _KeptOpen(io.RawIOBase):
    """A file that is read through this object, and stays open when pyarrow closes its stream."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._raw.read(size)


def is_damage(error: Exception) -> bool:
    """Whether the content of a compressed file is damaged or cut short, and not the disk at fault.

    Args:
        error: One of ``READ_ERRORS``. Those of the system have a number; those of gzip and pyarrow have none.
    """
    return not isinstance(error, OSError) or error.errno is None


BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PARQUET_BATCH_ROWS = 1024
LINES_LOOKED_AT = 5
BEGINNING_BYTES, MOST_CONTROLS = 1 << 16, 0.02
LONGEST_CSV_FIELD = 2**31 - 1

LONGEST_LINE_BYTES = 1 << 27
"""128 MB; a longer line is no line of text, and would have to be held in memory."""

Reader = Callable[[BinaryIO, str, str], Iterator[str]]


def decoded_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    r"""Decode UTF-8 lines that end in ``\n`` (so ``\r\n`` too, but not U+2028 or a form feed).

    Raises:
        CorpusError: Text that is not UTF-8, with the line and the byte offset where it stops being so.
    """
    offset_bytes = 0
    is_utf8 = False  # whether a character beyond ASCII has been read as UTF-8
    lines = iter(lambda: stream.readline(LONGEST_LINE_BYTES), b"")
    for number, raw in enumerate(lines, start=1):
        if len(raw) == LONGEST_LINE_BYTES and not raw.endswith(b"\n"):
            raise CorpusError(
                f"line {number} of {name} is longer than {LONGEST_LINE_BYTES >> 20} MB; expected text."
            )
        if number == 1:
            check_first_line(raw, name)
            if raw.startswith(BYTE_ORDER_MARK):
                raw = raw[len(BYTE_ORDER_MARK) :]
                offset_bytes = len(BYTE_ORDER_MARK)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            is_utf8 = is_utf8 or not raw.decode("utf-8", "ignore").isascii()
            raise CorpusError(
                f"{name} is not UTF-8: line {number} has the byte 0x{raw[error.start]:02X} at offset "
                f"{offset_bytes + error.start} of the file; {_remedy(is_utf8)}."
            ) from None
        offset_bytes += len(raw)
        is_utf8 = is_utf8 or not raw.isascii()
        yield line


def check_beginning(stream: BinaryIO, name: str) -> None:
    """Refuse what is no text by its first lines.

    Args:
        stream: The file, at its beginning.
        name: What the user calls it.

    Raises:
        CorpusError: As for `check_first_line`.
    """
    lines = [stream.readline(BEGINNING_BYTES) for _ in range(LINES_LOOKED_AT)]
    check_first_line(lines[0], name)
    check_text(b"".join(lines), name)


def check_text(beginning: bytes, name: str) -> None:
    """Refuse a file by what it begins with.

    Raises:
        CorpusError: If it is no text, or HTML.
    """
    if what := foreign_kind(beginning):
        raise CorpusError(f"{name} is {what}.")


def check_first_line(raw: bytes, name: str) -> None:
    """Refuse text in an encoding or with line ends that UTF-8 would take for something else.

    Args:
        raw: The first line, up to its line feed.
        name: What the user calls the file.

    Raises:
        CorpusError: If it is no text, or HTML, or UTF-16 or UTF-32, or its lines end in carriage returns
            alone.
    """
    check_text(raw, name)
    if encoding := wide_encoding(raw[:BEGINNING_BYTES]):
        raise CorpusError(
            f"{name} is {encoding}, not UTF-8; convert it first, with `iconv -f {encoding} -t UTF-8`."
        )
    if sum(byte in CONTROLS for byte in raw[:BEGINNING_BYTES]) > BINARY_CONTROLS * len(raw[:BEGINNING_BYTES]):
        raise CorpusError(f"{name} is a binary file, not text: give a file of text in UTF-8.")
    if raw.rstrip(b"\r\n").count(b"\r") > 1:
        raise CorpusError(
            f"the lines of {name} end in carriage returns alone, as on old Macs; expected line feeds: "
            "convert it first, with `tr '\\r' '\\n'`."
        )


EXTRACT = "not plain text: extract its text first"
COMPRESSED = "compressed: give it the suffix"
KINDS = (
    (b"%PDF-", f"a PDF, {EXTRACT}, for example with `pdftotext`"),
    (b"PK\x03\x04", f"a ZIP archive, as office documents and e-books are, {EXTRACT}"),
    (b"\xd0\xcf\x11\xe0", f"an office document, {EXTRACT}"),
    (b"{\\rtf", f"an RTF document, {EXTRACT}"),
    (b"PAR1\x15", "a parquet file: give it the suffix .parquet"),
    (b"\x1f\x8b", f"{COMPRESSED} .gz"),
    (b"\x28\xb5\x2f\xfd", f"{COMPRESSED} .zst"),
    (b"BZh91AY&SY", "compressed by bzip2, which monoglot does not read: decompress it first"),
    (b"\xfd7zXZ", "compressed by xz, which monoglot does not read: decompress it first"),
    *(
        (magic, "a picture, not text: give a file of text")
        for magic in (b"\x89PNG", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
    ),
)
"""What a file is by its first bytes, if it is no text, and what to do."""
HTML = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
CONTROLS = frozenset(range(1, 0x20)) - frozenset(b"\t\n\r\f\x1a\x1b")
BINARY_CONTROLS = 0.05
"""Random bytes have twice that share of control characters, and text has none."""


def foreign_kind(raw: bytes) -> str:
    """Say what a file is that is no text, and what to do; empty if it may be text.

    Args:
        raw: The beginning of the file.
    """
    for magic, what in KINDS:
        if raw.startswith(magic):
            return what
    if HTML.match(raw.removeprefix(BYTE_ORDER_MARK)[:BEGINNING_BYTES]):
        return f"HTML, {EXTRACT}, for example with `trafilatura` or `html2text`"
    return ""


def wide_encoding(raw: bytes) -> str:
    """Which encoding of two or four bytes a character a text has; empty if it has none of them.

    Without a byte order mark it is told by what no text in UTF-8 has: control characters all over, which
    become letters and spaces if two or four bytes are taken together.
    """
    marks = (
        (b"\xff\xfe\0\0", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    )
    for mark, encoding in marks:
        if raw.startswith(mark):
            return encoding
    controls = sum(byte < 0x20 and byte not in b"\t\n\r\f\x1a\x1b" for byte in raw)
    if controls <= MOST_CONTROLS * len(raw):
        return ""
    for encoding, width in (("UTF-32LE", 4), ("UTF-32BE", 4), ("UTF-16LE", 2), ("UTF-16BE", 2)):
        text = raw[: len(raw) // width * width].decode(encoding, "replace")
        strange = sum(unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") for character in text)
        unknown = text.count("\ufffd") + strange - sum(map(text.count, "\t\n\r\f"))
        if text and unknown <= MOST_CONTROLS * len(text):
            return encoding
    return ""


def _remedy(is_utf8: bool) -> str:
    if is_utf8:
        return (
            "the text around it is UTF-8, so correct that line, or leave out such bytes with "
            "`iconv -c -f UTF-8 -t UTF-8`"
        )
    return "convert it first, for example with `iconv -f LATIN1 -t UTF-8` (with the encoding it really has)"


def text_lines(stream: BinaryIO, name: str, column: str) -> Iterator[str]:
    """Plain text: each line is a text; there are no columns.

    Lines of JSON objects are read as such, with a warning.
    """
    lines = decoded_lines(stream, name)
    first = list(islice(lines, LINES_LOOKED_AT))
    check_text("".join(line[:BEGINNING_BYTES] for line in first).encode(), name)
    if _are_json(first):
        logger.warning("%s has lines of JSON, and is read as such: the column '%s'", name, column)
        return records(chain(first, lines), name, column)
    return chain(first, lines)


def json_lines(stream: BinaryIO, name: str, column: str) -> Iterator[str]:
    """One JSON object a line; ``null`` is skipped."""
    return records(decoded_lines(stream, name), name, column)


def records(lines: Iterable[str], name: str, column: str) -> Iterator[str]:
    """One column of JSON objects.

    Raises:
        CorpusError: A line that is no JSON object, or has no such column.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusError(
                f"line {number} of {name} is not valid JSON ({error}); expected one JSON object per line."
            ) from None
        if not isinstance(record, dict):
            raise CorpusError(
                f"line {number} of {name} is a JSON {type(record).__name__}; expected an object with the key "
                f"'{column}'."
            )
        if column not in record:
            raise _no_column(f"line {number} of {name}", column, list(record))
        text = _checked(record[column], name, column)
        # An escaped half of a surrogate pair is legal JSON but no text: it could not be encoded again.
        yield text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "\\u" in line else text


def csv_rows(stream: BinaryIO, name: str, column: str) -> Iterator[str]:
    """Comma-separated values with a header line."""
    # The limit belongs to the whole process and the module's default is 128 KB; it only ever grows.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CSV_FIELD))
    rows = csv.reader(decoded_lines(stream, name))
    try:
        header = next(rows, [])
        if column not in header:
            raise _no_column(name, column, header)
        index = header.index(column)
        for row in rows:
            if len(row) > index:
                yield row[index]
            elif row:
                raise CorpusError(
                    f"line {rows.line_num} of {name} has {len(row)} fields; expected {len(header)} as in the "
                    "header: quote texts that contain line breaks or commas."
                )
    except csv.Error as error:
        raise CorpusError(f"line {rows.line_num} of {name} can't be read as CSV ({error}).") from None


def parquet_rows(stream: BinaryIO, name: str, column: str) -> Iterator[str]:
    """One column of a parquet file, a batch of rows at a time; nulls are skipped."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile() as copy:
        on_disk = isinstance(getattr(stream, "raw", None), io.FileIO)
        if not on_disk:  # parquet is read from its end, a compressed stream can't be
            shutil.copyfileobj(stream, copy)
        try:
            file = pq.ParquetFile(stream if on_disk else copy)
            if column not in file.schema_arrow.names:
                raise _no_column(name, column, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=[column]):
                for value in batch.column(0).to_pylist():
                    yield _checked(value, name, column)
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"the column '{column}' of {name} holds text that is not UTF-8 ({error})."
            ) from None
        except (pa.ArrowException, OSError) as error:
            reason = first_line(error)
            raise CorpusError(f"{name} can't be read as parquet ({reason}).") from None


READERS: dict[str, Reader] = {
    ".txt": text_lines,
    ".jsonl": json_lines,
    ".csv": csv_rows,
    ".parquet": parquet_rows,
}
"""How the content of a file is read, by its suffix."""


def _are_json(lines: list[str]) -> bool:
    """Whether lines are JSON objects; a single brace, or code, is none."""
    filled = [line for line in lines if line.strip()]
    try:
        return bool(filled) and all(isinstance(json.loads(line), dict) for line in filled)
    except (ValueError, RecursionError):
        return False


def _checked(value: Any, name: str, column: str) -> str:
    """The text of a cell; nothing in it counts as an empty text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CorpusError(
            f"the column '{column}' of {name} holds {type(value).__name__} values; expected text: name the "
            "column that holds it with --column."
        )
    return value


def _no_column(where: str, column: str, found: list[str]) -> CorpusError:
    columns = ", ".join(f"'{name}'" for name in found) or "no column at all"
    return CorpusError(
        f"{where} has no column '{column}'; it has {columns}: name the one that holds the text with --column."
    )
