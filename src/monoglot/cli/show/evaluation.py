"""How well does a model fit a text?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.evaluate import Difference, Evaluation, TextScores


def evaluation_tables(evaluation: Evaluation) -> Iterator[RenderableType]:
    """Show scores on texts."""
    yield from _text("the text", evaluation.text, evaluation.difference)
    if evaluation.retention:
        yield ""
        yield from _text("the other text (retention)", evaluation.retention, evaluation.lost)
    if evaluation.cosine is not None:
        yield f"\nSentence vectors: mean cosine to those of the other {evaluation.cosine:.4f}."
    if speed := evaluation.speed:
        yield (
            f"\nSpeed, in turns on {speed.first.lines} lines: {speed.first.lines_per_second:,.1f} lines "
            f"({speed.first.bytes_per_second:,.0f} bytes) a second against "
            f"{speed.second.lines_per_second:,.1f} ({speed.second.bytes_per_second:,.0f}): "
            f"{speed.speedup:.2f} times as fast ({min(speed.round_ratios):.2f} to "
            f"{max(speed.round_ratios):.2f} in {len(speed.round_ratios)} rounds){_sure(speed.round_ratios)}."
        )
        sizes = (f"{one.parameter_bytes / 1e6:,.0f} MB" for one in (speed.first, speed.second))
        yield f"Parameters take {' against '.join(sizes)} of memory: {speed.memory_ratio:.1%}."


def _sure(round_ratios: Sequence[float]) -> str:
    """Say so where the rounds disagree on which model is faster."""
    if min(round_ratios) < 1 < max(round_ratios):
        return ": too close to say which is faster; repeat it on a machine that does nothing else"
    return ""


def _text(
    title: str, scores: Sequence[TextScores], difference: Difference | None
) -> Iterator[RenderableType]:
    """Scores on one text: a column for each model."""
    first = scores[0].tokenizer
    yield f"On {title}: {first.lines:,} lines, {first.words:,} words, {first.bytes:,} bytes."
    table = Table("", *(Path(one.model).name for one in scores), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    if any(one.language for one in scores):
        for name, key in (("bits per byte", "bits_per_byte"), ("bits a character", "bits_per_character")):
            values = (f"{getattr(one.language, key):.4f}" if one.language else "-" for one in scores)
            table.add_row(f"{name} ({_kind(scores)})", *values)
        if any(one.language and one.language.standard_error for one in scores):
            errors = (f"{one.language.standard_error:.4f}" if one.language else "-" for one in scores)
            table.add_row("  standard error (words drawn)", *errors)
    rows = (
        ("tokens", "tokens", "{:,.0f}"),
        ("tokens per word", "fertility", "{:.3f}"),
        ("bytes per token", "bytes_per_token", "{:.3f}"),
        ("words of several pieces", "continued_share", "{:.1%}"),
        ("text lost as unknown", "unknown_share", "{:.3%}"),
        ("byte tokens", "byte_share", "{:.3%}"),
        ("vocabulary", "vocabulary", "{:,.0f}"),
        ("  not used by this text", "never_used_share", "{:.1%}"),
        ("Rényi efficiency (2.5)", "renyi_efficiency", "{:.3f}"),
    )
    for name, key, form in rows:
        table.add_row(name, *(form.format(getattr(one.tokenizer, key)) for one in scores))
    if all(one.parity for one in scores):
        table.add_row("parity with English", *(f"{one.parity.ratio:.3f}" for one in scores if one.parity))
    yield table
    if all(one.language is None for one in scores):
        yield "No bits per byte: there is no language-model head."
    if difference:
        yield (
            f"Difference: {difference.bits_per_byte:+.4f} bits per byte, between {difference.low:+.4f} and "
            f"{difference.high:+.4f} at 95% (bootstrap over lines)."
        )


def _kind(scores: Sequence[TextScores]) -> str:
    kinds = dict.fromkeys(one.language.kind for one in scores if one.language)
    return ", ".join({"causal": "exact", "masked": "pseudo-likelihood"}[kind] for kind in kinds)
