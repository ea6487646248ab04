"""Which vocabularies are there to choose from, and what does each cost?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table

from monoglot.visible import escape

if TYPE_CHECKING:  # takes a second to import, which no other command should wait for
    from monoglot.pipeline.plan import Plan
    from monoglot.pipeline.plan_options import Law, Option


def plan_tables(plan: Plan) -> Iterator[RenderableType]:
    """Show a plan."""
    model = plan.model
    yield f"{model.architecture}, {model.family} tokenizer of {model.vocabulary:,} tokens"
    yield "roles: " + ", ".join(f"{role} {escape(text)}" for role, text in model.roles.items())
    for hazard in model.hazards:
        yield f"[yellow]watch:[/] {escape(hazard)}"
    if plan.kept:
        yield escape(plan.kept)
    columns = [
        "\noption",
        "\nvocabulary",
        "\nparameters",
        "tokens\nper word",
        "\ntokens",
        "\nnew",
        "\ndistance",
    ]
    if plan.bits_per_byte is not None:
        columns.append("bits per\nbyte")
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for option in plan.options:
        style = "bold green" if option.name == plan.advice.option else None
        figures = (f"{option.vocabulary:,}", f"{option.parameters / 1e6:,.1f}M", f"{option.fertility:.3f}")
        shares = (
            f"{option.relative_tokens:.1%}",
            "–" if option.new_share is None else f"{option.new_share:.1%}",
        )
        distance = _distance(option, plan.bits_per_byte)
        table.add_row(option.name, *figures, *shares, *distance, style=style)
    yield table
    yield f"\n{escape(plan.measured)}"
    if plan.law is not None:
        yield _law(plan.law)
    unmeasured = [option for option in plan.options if option.distance is None]
    if any(option.estimate is not None for option in unmeasured):
        yield "≈: estimated, not measured: an extension by that line, replacements by the largest one."
    if plan.law is not None and any(option.estimate is None for option in unmeasured):
        yield "–: not measured; bits per byte of a smaller replacement can't be estimated from the largest."
    sample = f"{plan.sample_bytes / 1e6:.1f} of {plan.corpus_bytes / 1e6:.1f} MB of text"
    yield f"\nMeasured on {sample}; large vocabularies fit better with all of the text."
    yield f"Advice: [bold]{plan.advice.option}[/], because {plan.advice.reason}."
    yield f"  {escape(plan.command)}"


def _distance(option: Option, bits_per_byte: float | None) -> tuple[str, ...]:
    """Its distance, and where the model has them its bits per byte; with ≈ what was not measured."""
    known = option.distance if option.distance is not None else option.estimate
    if known is None:
        return ("–",) if bits_per_byte is None else ("–", "–")
    about = "≈" if option.distance is None else ""
    margin = "" if option.margin is None else f" ± {option.margin:.4f}"
    level = () if bits_per_byte is None else (f"{about}{bits_per_byte + known:.3f}",)
    return f"{about}{known:.4f}{margin}", *level


def _law(law: Law) -> str:
    """How distance follows from what is saved."""
    fit = f"least squares, residual {law.residual:.4f}" if law.grafts > 1 else "one graft"
    return f"Grafts of this text: distance = trim's + {law.per_share:.2f} × share of tokens saved ({fit})."
