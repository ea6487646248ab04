"""docs/troubleshooting.md quotes sentences that the program says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import monoglot

SOURCE = Path(monoglot.__file__).parent
PAGE = SOURCE.parents[1] / "docs" / "troubleshooting.md"
PLACE = "…"
FORMATTED = re.compile(r"%(?:[.\d]*[sdfg]|%)")


def texts(node: ast.AST) -> Iterator[str]:
    """All texts of a piece of code, with an ellipsis in the place of what is filled in."""
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr):
            yield "".join(
                part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else PLACE
                for part in each.values
            )
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield FORMATTED.sub(lambda match: "%" if match[0] == "%%" else PLACE, each.value)


def quoted() -> list[str]:
    """The sentences that the page quotes."""
    found = re.findall(r"(?:^> .*\n)+", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [" ".join(line.removeprefix("> ") for line in block.splitlines()) for block in found]


def test_every_quoted_message_is_in_the_code():
    known = [
        " ".join(text.split())
        for file in SOURCE.rglob("*.py")
        for text in texts(ast.parse(file.read_text(encoding="utf-8")))
        if len(text) > 10
    ]
    messages = quoted()
    assert len(messages) > 25
    assert not [message for message in messages if not any(message in text for text in known)]


def test_what_nobody_says_is_noticed():
    assert next(texts(ast.parse("f'got {x} of {y}'"))) == "got … of …"
    assert list(texts(ast.parse("'%d%% of %s'"))) == ["…% of …"]
