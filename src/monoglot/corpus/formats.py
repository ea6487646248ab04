"""Texts of one open file: plain lines, or one column of jsonl, csv or parquet."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from monoglot.errors import CorpusError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PARQUET_BATCH_ROWS = 1024
LONGEST_CSV_FIELD = 2**31 - 1

Reader = Callable[[BinaryIO, str, str], Iterator[str]]


def decoded_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    r"""Decode UTF-8 lines that end in ``\n`` (so ``\r\n`` too, but not U+2028 or a form feed).

    Raises:
        CorpusError: Text that is not UTF-8, with the line and the byte offset where it stops being so.
    """
    offset_bytes = 0
    for number, raw in enumerate(stream, start=1):
        if number == 1 and raw.startswith(BYTE_ORDER_MARK):
            raw = raw[len(BYTE_ORDER_MARK) :]
            offset_bytes = len(BYTE_ORDER_MARK)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            guess = "UTF-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "LATIN1"
            raise CorpusError(
                f"{name} is not UTF-8: line {number} has the byte 0x{raw[error.start]:02X} at offset "
                f"{offset_bytes + error.start} of the file; convert it first, for example with "
                f"`iconv -f {guess} -t UTF-8` (with the encoding it really has)."
            ) from None
        offset_bytes += len(raw)
        yield line


def text_lines(stream: BinaryIO, name: str, column: str) -> Iterator[str]:
    """Plain text: each line is a text; there are no columns."""
    return decoded_lines(stream, name)


def json_lines(stream: BinaryIO, name: str, column: str) -> Iterator[str]:
    """One JSON object a line; ``null`` is skipped."""
    for number, line in enumerate(decoded_lines(stream, name), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise CorpusError(
                f"line {number} of {name} is not valid JSON ({error}); expected one JSON object a line."
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
    header = next(rows, [])
    if column not in header:
        raise _no_column(name, column, header)
    index = header.index(column)
    try:
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
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise CorpusError(f"{name} can't be read as parquet ({reason}).") from None


READERS: dict[str, Reader] = {
    ".txt": text_lines,
    ".jsonl": json_lines,
    ".csv": csv_rows,
    ".parquet": parquet_rows,
}
"""How the content of a file is read, by its suffix."""


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
