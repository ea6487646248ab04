"""What became of a word and its tokens?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.reporting.explain import Explanation, Neighbor, Parent, TokenExplanation, WordExplanation

MOST_IN_SUM = 4
MOST_PARENTS = 10


def explanation_lines(explanation: Explanation) -> Iterator[RenderableType]:
    """Show an explanation."""
    for word in explanation.words:
        yield f"\n[bold]{escape(word.text)}[/]"
        yield _pieces(word)
    for token in explanation.tokens:
        yield from _token(token)
    for note in explanation.notes:
        yield f"\n[yellow]note:[/] {escape(note)}"


def _pieces(word: WordExplanation) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, pieces in (("before", word.before), ("after", word.after)):
        if pieces is not None:
            table.add_row(name, escape("  ".join(pieces)))
    return Padding(table, (0, 0, 0, 2))


def _token(token: TokenExplanation) -> Iterator[RenderableType]:
    times = "once" if token.count == 1 else f"{token.count:,} times"
    yield (
        f"\n[bold cyan]{escape(token.token)}[/]  [dim]row {token.id} · {escape(token.provenance)} · {times} "
        "in the corpus[/]"
    )
    if token.reason:
        yield f"  {escape(token.reason)}"
    if token.parents:
        added = "" if token.correction is None else f" + a correction of {token.correction:.0%} of its length"
        yield f"  {escape(token.token)} = {_sum(token.parents)}{added}"
    if len(token.parents) > 1:
        yield Padding(_parents(token.parents), (0, 0, 0, 2))
    spaces = (("new", token.near_new), ("old", token.near_old), ("auxiliary", token.near_auxiliary))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, neighbors in spaces:
        if neighbors is not None:
            table.add_row(f"near in {name}", _neighbors(neighbors))
    yield Padding(table, (0, 0, 0, 2))


def _sum(parents: Sequence[Parent]) -> str:
    shown = " + ".join(f"{parent.weight:.2f} {escape(parent.token)}" for parent in parents[:MOST_IN_SUM])
    more = len(parents) - MOST_IN_SUM
    return f"{shown} + {more} more" if more > 0 else shown


def _parents(parents: Sequence[Parent]) -> Table:
    table = Table(
        "parent", "weight", "cosine", "auxiliary cosine", box=None, pad_edge=False, header_style="dim"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for parent in parents[:MOST_PARENTS]:
        cosines = (parent.cosine, parent.auxiliary_cosine)
        table.add_row(
            escape(parent.token),
            f"{parent.weight:.3f}",
            *("–" if cosine is None else f"{cosine:.3f}" for cosine in cosines),
        )
    if more := parents[MOST_PARENTS:]:
        table.add_row(f"{len(more)} more", f"{sum(parent.weight for parent in more):.3f}", style="dim")
    return table


def _neighbors(neighbors: Sequence[Neighbor]) -> RenderableType:
    """A token and its cosine stay on one line."""
    cells = [f"{escape(near.token)} [dim]{near.cosine:.2f}[/]" for near in neighbors]
    return Columns(cells, padding=(0, 2, 0, 0))
