"""Write the tables of docs/api.md from the docstrings of what `monoglot` exports.

    python -m benchmarks.api

No measurement: tests/benchmarks/test_api.py fails when the tables are not current.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import monoglot
from benchmarks import head, pages

PAGE, BLOCK = "api.md", "api"
SECTION = re.compile(r"^(?:## (?P<title>.+)|::: monoglot\.(?P<name>\w+))$", re.MULTILINE)
SOURCE = Path(monoglot.__file__).parent


def sections() -> dict[str, list[str]]:
    """The names below each heading of the page, in its order."""
    found: dict[str, list[str]] = {}
    title = ""
    for match in SECTION.finditer((pages.DOCS / PAGE).read_text(encoding="utf-8")):
        if match["title"]:
            title = match["title"]
        else:
            found.setdefault(title, []).append(match["name"])
    return found


def summary(name: str) -> str:
    """The first sentence of a docstring, in one line."""
    text = " ".join((inspect.getdoc(getattr(monoglot, name)) or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def place(name: str) -> str:
    """The file that a name is defined in, relative to src/monoglot."""
    return str(Path(inspect.getfile(inspect.unwrap(getattr(monoglot, name)))).relative_to(SOURCE))


def tables() -> Iterator[str]:
    """A table for each section."""
    for title, names in sections().items():
        yield f"**{title}**\n"
        yield "| name | what it is | defined in |\n|---|---|---|"
        yield from (f"| `{name}` | {summary(name)} | `{place(name)}` |" for name in names)
        yield ""


def block() -> str:
    """What the page has between its marks."""
    return "\n".join(tables()).strip()


def main() -> None:
    """Write the tables."""
    head.parse(head.parser(__doc__))
    print(pages.fill(PAGE, BLOCK, block()))


if __name__ == "__main__":
    main()
