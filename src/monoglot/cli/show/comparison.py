"""Which initialization is best?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.compare.probe import Scores
    from monoglot.pipeline.compare.result import Comparison


def comparison_tables(comparison: Comparison) -> Iterator[RenderableType]:
    """Show the scoreboard of a comparison."""
    from monoglot.reporting.scoreboard import HELDOUT, Scoreboard

    seeds = f"{len(comparison.seeds)} seed{'s' if len(comparison.seeds) > 1 else ''}"
    yield (
        f"{comparison.measure} (lower is better) on {comparison.lines:,} held-out lines, before and after "
        f"training ({comparison.objective}) on {comparison.probe_tokens:,} tokens, {seeds}"
    )
    texts = list(comparison.found[0].starts[0])
    table = Table(box=None, pad_edge=False)
    for _ in range(2):  # rank and name
        table.add_column("", no_wrap=True)
    for text in texts:
        title = "" if text == HELDOUT else f"{text}: "
        table.add_column(f"{title}before", justify="right")
        table.add_column(f"{title}after", justify="right")
    for header in ("behind", "95%", "tokens"):
        table.add_column(header, justify="right", no_wrap=True)
    behind = {pair.second: pair for pair in comparison.pairs if pair.first == comparison.found[0].name}
    for rank, one in enumerate(comparison.found, start=1):
        gap = behind[one.name].difference if one.ends and one.name in behind else None
        table.add_row(
            f"{rank}" if one.ends else "-",
            escape(one.name) + (" *" if one.is_control else ""),
            *(cell for text in texts for cell in (figure(one.starts, text), figure(one.ends, text))),
            f"{gap.value:.4f}" if gap else "",
            f"{gap.low:+.4f}…{gap.high:+.4f}" if gap else "",
            f"{one.vocabulary:,}",
        )
    yield table
    yield "* control"
    if read := Scoreboard(comparison.content).text_read():
        yield f"In the same number of tokens, they read: {'; '.join(map(escape, read))}."
    yield from (f"not trained: {name}, for {reason}." for name, reason in comparison.not_trained.items())
    yield ""
    yield from (escape(sentence) for sentence in comparison.verdict)
    report = Path(comparison.output) / "monoglot" / "report.html"
    if comparison.output and report.exists():
        yield f"Charts: {escape(str(report))}"


def figure(runs: Sequence[Scores], text: str) -> str:
    """Format a mean over seeds with its spread."""
    if not runs:
        return "-"
    from monoglot.pipeline.compare.result import Figure

    found = Figure.of([run[text] for run in runs])
    return f"{found.mean:.4f}" + (f"±{found.std:.4f}" if found.std is not None else "")
