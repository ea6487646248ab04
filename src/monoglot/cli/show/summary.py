"""What did `specialize` do, before and after?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from monoglot.reporting.wording import METHOD_NAMES, counted, points, relative
from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.reporting.summary import Summary

PROVENANCE = {
    "copied": "copied from the source",
    "method": "initialized by {method}",
    "subword": "mean of the source's pieces",
    "script": "mean of the source rows of their script",
    "noise": "random: no evidence was found",
    "mean": "mean of all source rows",
    "unused": "ids without a token",
}


def summary_table(summary: Summary) -> Iterator[RenderableType]:
    """Show a summary."""
    yield verdict(summary)
    yield ""
    yield before_and_after(summary)
    yield provenance(summary)
    yield from (f"\n[yellow]warning:[/] {escape(warning)}" for warning in summary.warnings)
    if summary.kept:
        yield f"\n{escape(summary.kept)}"
    if summary.proof:
        yield (
            "\nProof on {text}: {equal:,} of {lines:,} lines are segmented as before ({share:.2%}); "
            "{rows:,} rows of kept tokens and {tensors:,} other tensors were compared with the original's; "
            "single texts ({texts}), pairs ({pairs}), padded batches ({batches}) and prompts ({prompts}) of "
            "kept tokens have {outputs}."
        ).format(
            **summary.proof,
            **summary.proof["compared"],
            outputs=_outputs(**summary.proof),
            text="held-out text" if summary.before.tokens_per_word else "the first lines of the text",
        )
        if left_out := summary.proof["left_out"]:
            yield (
                f"Not compared with the original's: {counted(len(left_out), 'tensor')}, such as "
                f"{escape(left_out[0])}, which the model lacks or has in another shape."
            )
        if summary.proof["fault"]:
            yield f"[yellow]warning:[/] the difference was accepted: {escape(summary.proof['fault'])}."
    minutes, seconds = divmod(round(sum(summary.seconds.values())), 60)
    peak = f"{summary.peak_memory_bytes / 1e9:.1f} GB"
    spent = f"{minutes} min {seconds:02d} s of work, at most {peak} of memory"
    yield f"\nWritten to {escape(summary.output)} ({spent}); README.md there says how to load it."
    if summary.next_command:
        yield (
            f"{summary.new_share:.1%} of the text is in new tokens, whose embeddings are initialized and "
            f"not yet trained. To train them:\n  {escape(summary.next_command)}"
        )
    report = Path(summary.output) / "monoglot" / "report.html"
    if report.exists():
        yield f"See what became of every token: {escape(str(report))}, or " + escape(
            shlex.join(["monoglot", "explain", summary.output, "WORD"])
        )


def _outputs(largest_difference: float, tolerance: float, **_: object) -> str:
    if largest_difference == 0:
        return "exactly the outputs of the original"
    return f"outputs that differ by at most {largest_difference:.1e} (rounding: {tolerance:.0e})"


def verdict(summary: Summary) -> Table:
    """Size, tokens per word, quality: the answer, in three lines."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for answer in summary.verdict:
        table.add_row(f"[bold]{answer.name}[/]", escape(answer.line))
    return table


def before_and_after(summary: Summary) -> Table:
    """Size and fit of source and target."""
    table = Table("", "before", "after", "", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = [("parameters", "parameters", "{:,.0f}"), ("vocabulary", "vocabulary", "{:,.0f}")]
    if was_scored := summary.before.tokens_per_word > 0:  # else no line was held out
        rows += [
            ("tokens per word (held-out)", "tokens_per_word", "{:.3f}"),
            ("bytes per token (held-out)", "bytes_per_token", "{:.3f}"),
        ]
    for name, key, form in rows:
        before, after = getattr(summary.before, key), getattr(summary.after, key)
        table.add_row(name, form.format(before), form.format(after), relative(before, after))
    if was_scored:
        lost = (summary.before.unknown_share, summary.after.unknown_share)
        table.add_row("text lost as unknown (held-out)", *(f"{share:.3%}" for share in lost), points(*lost))
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
            PROVENANCE[name].format(method=METHOD_NAMES.get(summary.method, summary.method)),
            f"{share.tokens:,}",
            f"{share.vocabulary_share:.1%}",
            f"{share.corpus_share:.1%}",
        )
    return table
