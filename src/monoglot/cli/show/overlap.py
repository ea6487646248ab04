"""What do two vocabularies share?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.overlap_audit import OverlapAnalysis
    from monoglot.tokenization.audit import Group

MOST_GROUPS = 10
"""Groups shown of each breakdown; all are in the JSON."""
EXAMPLES_WIDTH = 45
MOST_COLLISIONS = 3


def analysis_tables(analysis: OverlapAnalysis) -> Iterator[RenderableType]:
    """Show an overlap."""
    audit = analysis.audit
    weighted = audit.matched.all.corpus_share is not None
    yield f"{audit.target_tokens:,} target tokens, {audit.source_tokens:,} source tokens"
    yield groups_table((audit.matched.all, audit.missing.all), weighted=weighted)
    titles = {
        "by_kind": "by kind",
        "by_script": "by script",
        "by_word_start": "by place",
        "by_length": "by length",
    }
    if audit.by_match:
        yield "\n[bold]matched by what they have in common[/]"
        yield groups_table(audit.by_match, weighted=weighted)
    for breakdown in (audit.matched, audit.missing):
        for field, title in titles.items():
            if groups := getattr(breakdown, field):
                yield f"\n[bold]{breakdown.all.name} {title}[/]"
                yield groups_table(groups, weighted=weighted)
    yield f"\n[bold]collisions[/] (indistinguishable source tokens): {len(audit.collisions):,} groups"
    for group in audit.collisions[:MOST_COLLISIONS]:
        yield "  " + escape(" = ".join(group))
    yield "\n[bold]missing tokens would be initialized as[/]"
    yield prospect_table(analysis)
    for kind, rule in audit.rules.items():
        yield f"[dim]{kind}: {rule}[/]"


def prospect_table(analysis: OverlapAnalysis) -> Table:
    """How the missing tokens would be initialized."""
    prospect, missing = analysis.prospect, max(1, analysis.audit.missing.all.tokens)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    for _ in range(2):
        table.add_column(justify="right", min_width=7)
    rows = [
        ("by their auxiliary vector", prospect.with_vector),
        ("mean of the source's pieces", prospect.with_pieces),
        ("noise", prospect.without),
    ]
    for name, tokens in rows:
        if tokens is not None:
            table.add_row(name, f"{tokens:,}", f"{tokens / missing:.1%}")
    return table


def groups_table(groups: Sequence[Group], *, weighted: bool) -> Table:
    """Groups of tokens, with their shares and some examples; the smallest of many groups are left out."""
    table = Table(box=None, pad_edge=False)
    table.add_column("", min_width=max((len(group.name) for group in groups), default=0))
    for header in ("tokens", "share", *(("of the text",) if weighted else ())):
        table.add_column(header, justify="right", min_width=max(7, len(header)))
    table.add_column("for instance", no_wrap=True, overflow="ellipsis")
    for group in groups[:MOST_GROUPS]:
        shares = [f"{group.share:.1%}"] + ([f"{group.corpus_share:.1%}"] if weighted else [])
        examples = escape(shorten(" ".join(group.examples), EXAMPLES_WIDTH, placeholder=" …"))
        table.add_row(group.name, f"{group.tokens:,}", *shares, examples)
    if left_out := groups[MOST_GROUPS:]:
        tokens, share = sum(g.tokens for g in left_out), sum(g.share for g in left_out)
        table.add_row(f"{len(left_out)} others", f"{tokens:,}", f"{share:.1%}")
    return table
