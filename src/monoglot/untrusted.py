"""What others made: JSON files from outside, and libraries that raise exceptions of their own.

Every JSON file of a model, a tokenizer or sentence-transformers is read by `read_foreign_json`, and every
call of a library that reads such a folder stands inside `refusing`. So a damaged file ends in one sentence,
wherever the damage is noticed.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monoglot.errors import InputError, MonoglotError, first_line

LARGEST_JSON_BYTES = 1 << 29
"""512 MB; the largest tokenizer.json in use (262,000 tokens) has 33 MB."""
NAMES = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
SPEAKS_FOR_ITSELF = (ValueError, OSError)


def read_foreign_json(
    path: Path, error: type[InputError], expected: type[dict[Any, Any]] | type[list[Any]] = dict
) -> Any:
    """Read a JSON file that comes from outside.

    Of a key that an object has twice the last value counts, as for every library that reads these files.

    Args:
        path: The file.
        error: What to raise if it can't be used.
        expected: What the file has to hold.

    Returns:
        An object or a list, as plain values whose text can be encoded.

    Raises:
        InputError: If it is no regular file, too large, not UTF-8, not JSON, nested too deeply, holds half a
            surrogate pair, or something else than was expected. The class is the one that was given.
    """
    text = _text(path, error)
    try:
        value = json.loads(text)
        if ESCAPED_SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise error(f"{path} is nested too deeply; expected {NAMES[expected]}: correct the file.") from None
    except UnicodeEncodeError:
        raise error(
            f"{path} has an escaped half of a surrogate pair (\\uD800 … \\uDFFF), which is no text; expected "
            "whole characters: correct the file."
        ) from None
    except ValueError as problem:
        raise error(
            f"{path} can't be read as JSON ({problem}): correct it, or get it again if it was cut short."
        ) from None
    if not isinstance(value, expected):
        found = NAMES.get(type(value), "a constant")
        raise error(f"{path} holds {found}; expected {NAMES[expected]}: correct the file.")
    return value


@contextmanager
def refusing(error: type[InputError], problem: str, advice: str) -> Iterator[None]:
    """Turn whatever a library raises for a damaged file into one sentence.

    Args:
        error: What to raise instead.
        problem: What can't be done, such as ``FILE can't be read``.
        advice: What to do instead, without a full stop.

    Raises:
        InputError: The class that was given, as ``PROBLEM (what the library says): ADVICE.``; monoglot's own
            exceptions pass as they are.
    """
    try:
        yield
    except (MonoglotError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as cause:  # a panic in Rust (tokenizers, safetensors) is no Exception
        raise error(f"{problem} ({reason(cause)}): {advice}.") from cause


def reason(error: BaseException) -> str:
    """What an exception says, in one line; with its type, where the message means nothing without it."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    line = first_line(error)
    name = type(error).__name__
    return line if isinstance(error, SPEAKS_FOR_ITSELF) or name in ("Exception", line) else f"{name}: {line}"


def check_regular(path: Path, error: type[InputError]) -> None:
    """Check that a path is a file of a size that can be read: opening a fifo would wait for ever.

    Raises:
        InputError: If it is not; the class is the one that was given.
    """
    try:
        status = path.stat()
    except OSError as problem:
        raise error(f"{path} can't be read ({problem.strerror}): put a readable file there.") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, a pipe or a socket"
        raise error(f"{path} is {kind}; expected a file: put it there, or remove this.")
    if status.st_size > LARGEST_JSON_BYTES:
        raise error(
            f"{path} has {status.st_size / 1e6:,.0f} MB; expected JSON of at most "
            f"{LARGEST_JSON_BYTES / 1e6:,.0f} MB: put the file there that belongs to the model."
        )


def _text(path: Path, error: type[InputError]) -> str:
    check_regular(path, error)
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as problem:
        raise error(
            f"{path} is not UTF-8 at byte {problem.start}; expected JSON in UTF-8: save it in that encoding."
        ) from None
    except OSError as problem:
        raise error(f"{path} can't be read ({problem.strerror}): put a readable file there.") from None
