"""A summary as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from monoglot.model.pooling import PROMPTS
from monoglot.pipeline.analysis import Analysis
from monoglot.pipeline.planning import Plan
from monoglot.pipeline.summary import Summary
from monoglot.tokenization.audit import Group
from monoglot.visible import escape

if TYPE_CHECKING:  # imports transformers' Trainer, which takes its time
    from monoglot.pipeline.adapt import Adapted

PROVENANCE = {
    "copied": "copied from the source",
    "method": "mixed by {method}",
    "subword": "mean of the source's pieces",
    "script": "mean of the source rows of their script",
    "noise": "noise",
    "mean": "mean of all source rows",
    "unused": "ids without a token",
}

MOST_GROUPS = 10
"""Groups shown of each breakdown; all are in the JSON."""
EXAMPLES_WIDTH = 45
MOST_COLLISIONS = 3


def summary_table(summary: Summary) -> Iterator[RenderableType]:
    """The summary as tables and lines to print."""
    yield before_and_after(summary)
    yield provenance(summary)
    yield from (f"\n[yellow]warning:[/] {escape(warning)}" for warning in summary.warnings)
    if summary.kept:
        yield f"\n{escape(summary.kept)}"
    if summary.proof:
        yield (
            "\nProof on held-out text: {equal:,} of {lines:,} lines are segmented as before ({share:.2%}); "
            "on {texts} texts, {pairs} pairs, {batches} padded batches and {prompts} prompts of kept tokens "
            "the outputs differ by at most {largest_difference:.1e} (rounding: {tolerance:.0e})."
        ).format(**summary.proof, **summary.proof["compared"])
        if summary.proof["fault"]:
            yield f"[yellow]warning:[/] the difference was accepted: {escape(summary.proof['fault'])}."
    minutes, seconds = divmod(round(sum(summary.seconds.values())), 60)
    peak = f"{summary.peak_memory_bytes / 1e9:.1f} GB"
    yield f"\nWritten to {summary.output} ({minutes} min {seconds:02d} s of work, at most {peak} of memory)."
    yield "Load it: AutoModel.from_pretrained(…), AutoTokenizer.from_pretrained(…) with that folder."
    report = Path(summary.output) / "monoglot" / "report.html"
    if report.exists():
        yield f"See what became of every token: {escape(str(report))}, or monoglot explain OUT WORD."


def before_and_after(summary: Summary) -> Table:
    """Size and fit of source and target."""
    table = Table("", "before", "after", "", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    old, new = summary.tokenizers
    rows = [
        ("parameters", *summary.parameters, "{:,.0f}"),
        ("vocabulary", *summary.vocabulary, "{:,.0f}"),
        ("tokens a word (held-out)", old["fertility"], new["fertility"], "{:.3f}"),
        ("bytes a token (held-out)", old["bytes_per_token"], new["bytes_per_token"], "{:.3f}"),
        ("text lost as unknown (held-out)", old["unknown_share"], new["unknown_share"], "{:.3%}"),
    ]
    for name, before, after, form in rows:
        change = f"{(after - before) / before:+.1%}" if before else ""
        table.add_row(name, form.format(before), form.format(after), change)
    return table


def provenance(summary: Summary) -> Table:
    """Where the target rows come from."""
    table = Table(
        "\nrows of the new vocabulary",
        "\ntokens",
        "\nof the vocabulary",
        "\nof the running text",
        box=None,
        pad_edge=False,
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, share in summary.provenance.items():
        table.add_row(
            PROVENANCE[name].format(method=summary.method),
            f"{share.tokens:,}",
            f"{share.vocabulary_share:.1%}",
            f"{share.corpus_share:.1%}",
        )
    return table


def analysis_tables(analysis: Analysis) -> Iterator[RenderableType]:
    """An overlap as tables and lines to print."""
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
    yield f"\n[bold]collisions[/] (source tokens that can't be told apart): {len(audit.collisions):,} groups"
    for group in audit.collisions[:MOST_COLLISIONS]:
        yield "  " + escape(" = ".join(group))
    yield "\n[bold]missing tokens would start as[/]"
    yield prospect_table(analysis)
    for kind, rule in audit.rules.items():
        yield f"[dim]{kind}: {rule}[/]"


def prospect_table(analysis: Analysis) -> Table:
    """How the missing tokens would be initialised."""
    prospect, missing = analysis.prospect, max(1, analysis.audit.missing.all.tokens)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    for _ in range(2):
        table.add_column(justify="right", min_width=7)
    rows = [
        ("mixed by their auxiliary vector", prospect.with_vector),
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


def plan_tables(plan: Plan) -> Iterator[RenderableType]:
    """A plan as tables and lines to print."""
    model = plan.model
    yield f"{model.architecture}, {model.family} tokenizer of {model.vocabulary:,} tokens"
    yield "roles: " + ", ".join(f"{role} {escape(text)}" for role, text in model.roles.items())
    for hazard in model.hazards:
        yield f"[yellow]watch:[/] {escape(hazard)}"
    if plan.kept:
        yield escape(plan.kept)
    table = Table(
        "\noption", "\nvocabulary", "\nparameters", "\ntokens a word", "\ntokens", box=None, pad_edge=False
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for option in plan.options:
        style = "bold green" if option.name == plan.advice.option else None
        figures = (f"{option.vocabulary:,}", f"{option.parameters:,}", f"{option.fertility:.3f}")
        table.add_row(option.name, *figures, f"{option.relative_tokens:.1%}", style=style)
    yield table
    sample = f"{plan.sample_bytes / 1e6:.1f} of {plan.corpus_bytes / 1e6:.1f} MB of text"
    yield f"\nTried on {sample}; with all of it large vocabularies fit better."
    yield f"Advice: [bold]{plan.advice.option}[/], because {plan.advice.reason}."
    yield f"  monoglot specialize SOURCE CORPUS --output OUT {plan.advice.flags}"


def adapted_table(adapted: Adapted) -> Iterator[RenderableType]:
    """What a training did, as tables and lines to print."""
    record = adapted.record
    table = Table("", "before", "after", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("training loss", *(f"{loss:.3f}" for loss in adapted.loss))
    for name, value in adapted.after.items():
        table.add_row(f"{name.replace('_', ' ')} (held-out)", f"{adapted.before[name]:.3f}", f"{value:.3f}")
    yield table
    yield (
        f"\nTrained by {adapted.objective} on {record['tokens']:,} tokens ({record['epochs']:.2f} times the "
        f"corpus) in {record['steps']:,} steps."
    )
    yield from (f"[yellow]warning:[/] {escape(warning)}" for warning in record.get("warnings", ()))
    if prompt := record.get("default_prompt"):
        yield f"Its default prompt is {escape(repr(prompt))}, as in training ({PROMPTS})."
    yield f"Written to {adapted.output}."
