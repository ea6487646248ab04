"""A summary as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from monoglot.pipeline.summary import Summary

PROVENANCE = {
    "copied": "copied from the source",
    "method": "mixed by {method}",
    "subword": "mean of the source's pieces",
    "noise": "noise",
    "mean": "mean of all source rows",
    "unused": "ids without a token",
}


def summary_table(summary: Summary) -> Iterator[RenderableType]:
    """The summary as tables and lines to print."""
    yield before_and_after(summary)
    yield provenance(summary)
    if summary.proof:
        yield (
            "\nProof on held-out text: {equal:,} of {lines:,} lines are segmented as before ({share:.2%}); "
            "on {output_lines} of them the outputs differ by at most {largest_difference:.1e}."
        ).format(**summary.proof)
    minutes, seconds = divmod(round(sum(summary.seconds.values())), 60)
    peak = f"{summary.peak_memory_bytes / 1e9:.1f} GB"
    yield f"\nWritten to {summary.output} ({minutes} min {seconds:02d} s of work, at most {peak} of memory)."
    yield "Load it: AutoModel.from_pretrained(…), AutoTokenizer.from_pretrained(…) with that folder."


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
        ("unknown tokens (held-out)", old["unknown_share"], new["unknown_share"], "{:.3%}"),
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
