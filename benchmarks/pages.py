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
    before = path.read_text(encoding="utf-8")
    match = _find(block, before, path)
    path.write_text(f"{before[: match.start(1)]}\n{text.strip()}\n{before[match.end(1) :]}", encoding="utf-8")
    return path


def read(page: str | Path, block: str) -> str:
    """Read what stands between ``<!-- block -->`` and ``<!-- /block -->`` in a page.

    Args:
        page: File name under ``docs``, or the whole path of another page.
        block: Name of the block.

    Raises:
        ValueError: If the page has no such block.
    """
    path = DOCS / page
    return _find(block, path.read_text(encoding="utf-8"), path)[1].strip()


def _find(block: str, text: str, path: Path) -> re.Match[str]:
    begin, end = f"<!-- {block} -->", f"<!-- /{block} -->"
    match = re.search(f"{re.escape(begin)}(.*?){re.escape(end)}", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{path} has no block {begin} … {end}")
    return match


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a Markdown table; the first column is text, the others are set right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
