"""What did a training do?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from monoglot.model.pooling import PROMPTS
from monoglot.reporting.verdict import quality_answer
from monoglot.reporting.wording import counted
from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.adapt import Adapted


def adapted_table(adapted: Adapted) -> Iterator[RenderableType]:
    """Show what a training did."""
    record = adapted.record
    table = Table("", "before", "after", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    # The loss is that of single batches during warm-up and at the end: it says less than held-out text.
    if not adapted.after:
        table.add_row("training loss", *(f"{loss:.3f}" for loss in adapted.loss))
    for name, value in adapted.after.items():
        table.add_row(f"{name.replace('_', ' ')} (held-out)", f"{adapted.before[name]:.4f}", f"{value:.4f}")
    yield table
    if adapted.quality:
        told = quality_answer(adapted.quality, trained=True).line
        where = f" on {adapted.quality.lines} held-out lines" if adapted.quality.lines else ""
        yield f"\n[bold]Compared with the original{where}:[/] {escape(told)}"
    yield (
        f"\nTrained by {adapted.objective} on {record['tokens']:,} tokens ({record['epochs']:.2f} times the "
        f"corpus) in {counted(record['steps'], 'step')}."
    )
    yield from (f"[yellow]warning:[/] {escape(warning)}" for warning in record.get("warnings", ()))
    if prompt := record.get("default_prompt"):
        yield (
            f"Its default prompt is {escape(repr(prompt))}, as in training ({PROMPTS}): encode() puts it "
            "before each text."
        )
    yield f"Written to {adapted.output}."
    if adapted.next_command:
        yield (
            f"To compare it with the original on text that it has not seen:\n  {escape(adapted.next_command)}"
        )
