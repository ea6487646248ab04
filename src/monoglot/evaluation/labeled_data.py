"""Reads labeled examples from files (CoNLL, SQuAD, JSON lines) or data sets of the hub as plain records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monoglot.corpus.files import could_be_hub_name
from monoglot.corpus.formats import READ_ERRORS, SUFFIXES, decoded_lines, decompressed, is_damage
from monoglot.errors import CorpusError, first_line

Record = dict[str, Any]
Columns = Mapping[str, tuple[str, ...]]
"""The fields of a record, each with the names that data sets give it."""


@dataclass(frozen=True)
class DataSplit:
    """A part of a data set.

    Attributes:
        name: The file or hub data set that it is from.
        records: Its examples.
        lines: The line of the file that each begins on; empty for data without lines.
    """

    name: str
    records: list[Record]
    lines: tuple[int, ...] = ()

    def place(self, index: int) -> str:
        """Where an example is, for messages."""
        return (
            f"line {self.lines[index]} of {self.name}"
            if self.lines
            else f"example {index + 1} of {self.name}"
        )


def read_split(given: str, columns: Columns, role: str) -> DataSplit:
    """Read a file, or a split of a data set of the hub.

    Args:
        given: A file (``.jsonl``; ``.json`` as SQuAD has it; anything else is CoNLL: ``token label``; each
            also compressed), or ``owner/name[:config[:split]]``.
        columns: The fields that are wanted.
        role: ``train``, ``validation`` or ``test``: the split of a hub data set, if none is named.

    Raises:
        CorpusError: If it can't be read, is empty, or an example lacks a field; file and line are named.
    """
    if could_be_hub_name(given):
        found = [(0, record) for record in _hub_records(given, role)]
    else:
        path = Path(given).expanduser()
        kind = (path.with_suffix("") if path.suffix.lower() in SUFFIXES else path).suffix.lower()
        reader = {".jsonl": _json_lines, ".json": _squad}.get(kind, _conll)
        found = list(_read(path, reader))
    lines = tuple(line for line, _ in found if line)
    split = DataSplit(given, [record for _, record in found], lines)
    if not found:
        raise CorpusError(f"there is no example in {given}.")
    records = [_renamed(record, columns, split.place(i)) for i, record in enumerate(split.records)]
    return DataSplit(given, records, lines)


def _renamed(record: Record, columns: Columns, place: str) -> Record:
    """A record with the names that tasks use."""
    renamed = {}
    for name, aliases in columns.items():
        key = next((alias for alias in aliases if record.get(alias) is not None), None)
        if key is None:
            expected = " or ".join(f"'{alias}'" for alias in aliases)
            raise CorpusError(
                f"{place} has no {expected}; it has {', '.join(map(repr, record)) or 'nothing'}."
            )
        renamed[name] = record[key]
    return renamed


Reader = Callable[[Iterator[str], str], Iterator[tuple[int, Record]]]


def _read(path: Path, reader: Reader) -> Iterator[tuple[int, Record]]:
    try:
        with path.open("rb") as raw:
            yield from reader(decoded_lines(decompressed(raw, path.suffix.lower()), str(path)), str(path))
    except READ_ERRORS as error:
        if is_damage(error):
            raise CorpusError(
                f"{path} is damaged or truncated ({error}); copy or download it again."
            ) from None
        raise CorpusError(f"{path} can't be read ({getattr(error, 'strerror', error)}).") from None


def _json_lines(lines: Iterator[str], name: str) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusError(
                f"line {number} of {name} is not valid JSON ({error}); expected one object per line."
            ) from None
        if not isinstance(record, dict):
            raise CorpusError(
                f"line {number} of {name} is a JSON {type(record).__name__}; expected an object."
            )
        yield number, record


MOST_COLUMNS = 14
"""CoNLL-X and CoNLL-U have 10 columns, CoNLL-2009 and later ones up to 14; sentences have more words."""


def _conll(lines: Iterator[str], name: str) -> Iterator[tuple[int, Record]]:
    """Read ``token … label`` lines; sentences end with an empty line, comments are skipped."""
    tokens: list[str] = []
    labels: list[str] = []
    start = 1
    for number, line in enumerate(lines, start=1):
        # Only spaces and tabs separate: some tokens contain other white space.
        columns = [column for column in line.rstrip("\r\n").replace("\t", " ").split(" ") if column]
        if columns[:1] == ["#"] and "=" in line and not tokens:  # as in CoNLL-U: `# sent_id = 5`
            start = number + 1
        elif not columns or columns[0] == "-DOCSTART-":
            if tokens:
                yield start, {"tokens": tokens, "labels": labels}
            tokens, labels, start = [], [], number + 1
        elif len(columns) >= 2:
            if len(columns) > MOST_COLUMNS:
                raise CorpusError(
                    f"line {number} of {name} has {len(columns)} words; expected a token and its label "
                    "(CoNLL, at most 14 columns), or a file of JSON lines that ends in .jsonl."
                )
            tokens.append(columns[0])
            labels.append(columns[-1])
        else:
            raise CorpusError(f"line {number} of {name} is {line.strip()!r}; expected a token and its label.")
    if tokens:
        yield start, {"tokens": tokens, "labels": labels}


def _squad(lines: Iterator[str], name: str) -> Iterator[tuple[int, Record]]:
    """Read questions of a SQuAD file; those without an answer are skipped."""
    try:
        for article in json.loads("".join(lines))["data"]:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    answers = [
                        (answer["text"], int(answer["answer_start"])) for answer in question["answers"]
                    ]
                    if answers:
                        texts, starts = zip(*answers, strict=True)
                        record = {"question": question["question"], "context": paragraph["context"]}
                        yield 0, record | {"answers": {"text": list(texts), "answer_start": list(starts)}}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorpusError(
            f"{name} is not a SQuAD file ({type(error).__name__}: {error}); expected JSON with "
            "data, paragraphs, qas, answers."
        ) from None


def _hub_records(given: str, role: str) -> Iterator[Record]:
    """The rows of a hub data set, with names in place of class numbers."""
    import datasets

    path, config, split = (*given.split(":"), "", "")[:3]
    try:
        rows: Any = datasets.load_dataset(path, config or None, split=split or role)
    except Exception as error:  # ValueError, ConnectionError, DatasetNotFoundError, …
        reason = first_line(error)
        raise CorpusError(
            f"'{given}' is not a file, and can't be read as a hub dataset ({reason})."
        ) from None
    names = {column: _class_names(feature) for column, feature in rows.features.items()}
    for row in rows:
        yield {column: _named(value, names[column]) for column, value in row.items()}


def _class_names(feature: Any) -> list[str] | None:
    """The names of the classes that a column, or a list in it, has as numbers."""
    return getattr(getattr(feature, "feature", feature), "names", None)


def _named(value: Any, names: list[str] | None) -> Any:
    if names is None:
        return value
    return [names[one] for one in value] if isinstance(value, list) else names[value]
