"""Pages of the documentation whose figures are written by a command, between marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def fill(page: str | Path, block: str, text: str) -> Path:
    """Replace what stands between ``<!-- block -->`` and ``<!-- /block -->`` in a page.

    Args:
        page: File name under ``docs``, or the whole path of another page.
        block: Name of the block.
        text: What it shall hold.

    Returns:
        The file.

    Raises:
        ValueError: If the page has no such block.
    """
    path = DOCS / page
    begin, end = f"<!-- {block} -->", f"<!-- /{block} -->"
    before = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(before):
        raise ValueError(f"{path} has no block {begin} … {end}")
    after = pattern.sub(lambda _: f"{begin}\n{text.strip()}\n{end}", before)
    path.write_text(after, encoding="utf-8")
    return path


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a Markdown table; the first column is text, the others are set right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
