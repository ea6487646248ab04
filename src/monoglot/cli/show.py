"""Results of commands as tables and lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

from monoglot.model.pooling import PROMPTS
from monoglot.visible import escape

if TYPE_CHECKING:  # what compares and trains takes a second to import, which no other command should wait for
    from monoglot.pipeline.adapt import Adapted
    from monoglot.pipeline.compare.probe import Scores
    from monoglot.pipeline.compare.result import Comparison, VariantResult
    from monoglot.pipeline.demo import Demo
    from monoglot.pipeline.evaluate import Difference, Evaluation, TextScores
    from monoglot.pipeline.evaluate_task import TaskEvaluation, TaskScores
    from monoglot.pipeline.overlap_audit import Analysis
    from monoglot.pipeline.plan import Plan
    from monoglot.pipeline.plan_options import Law, Option
    from monoglot.pipeline.push import Pushed
    from monoglot.pipeline.report import Report
    from monoglot.reporting.explain import Explanation, Neighbor, Parent, TokenExplanation, WordExplanation
    from monoglot.reporting.summary import Summary
    from monoglot.tokenization.audit import Group


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
    """Show a summary."""
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
    if summary.next_command:
        yield (
            f"{summary.new_share:.1%} of the text is in new tokens, whose rows are mixed, not yet trained. "
            f"To train them:\n  {escape(summary.next_command)}"
        )
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
        ("tokens per word (held-out)", old["fertility"], new["fertility"], "{:.3f}"),
        ("bytes per token (held-out)", old["bytes_per_token"], new["bytes_per_token"], "{:.3f}"),
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
    yield f"\n[bold]collisions[/] (source tokens that can't be told apart): {len(audit.collisions):,} groups"
    for group in audit.collisions[:MOST_COLLISIONS]:
        yield "  " + escape(" = ".join(group))
    yield "\n[bold]missing tokens would start as[/]"
    yield prospect_table(analysis)
    for kind, rule in audit.rules.items():
        yield f"[dim]{kind}: {rule}[/]"


def prospect_table(analysis: Analysis) -> Table:
    """How the missing tokens would be initialized."""
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
        yield "≈: not measured, but estimated: an extension by that line, replacements as the largest."
    if plan.law is not None and any(option.estimate is None for option in unmeasured):
        yield "–: not measured; bits per byte of a smaller replacement don't follow from the largest's."
    sample = f"{plan.sample_bytes / 1e6:.1f} of {plan.corpus_bytes / 1e6:.1f} MB of text"
    yield f"\nTried on {sample}; with all of it large vocabularies fit better."
    yield f"Advice: [bold]{plan.advice.option}[/], because {plan.advice.reason}."
    yield f"  monoglot specialize SOURCE CORPUS --output OUT {plan.advice.flags}"


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


def adapted_table(adapted: Adapted) -> Iterator[RenderableType]:
    """Show what a training did."""
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


def comparison_tables(comparison: Comparison) -> Iterator[RenderableType]:
    """Show the scoreboard of a comparison."""
    from monoglot.pipeline.compare.result import HELDOUT

    seeds = f"{len(comparison.seeds)} seed{'s' if len(comparison.seeds) > 1 else ''}"
    yield (
        f"{comparison.measure} (lower is better) on {comparison.lines:,} held-out lines, before and after "
        f"training ({comparison.objective}) on {comparison.probe_tokens:,} tokens, {seeds}"
    )
    texts = list(comparison.found[0].starts[0])
    table = Table("", "", box=None, pad_edge=False)
    for text in texts:
        title = "" if text == HELDOUT else f"{text}: "
        table.add_column(f"{title}before", justify="right")
        table.add_column(f"{title}after", justify="right")
    for header in ("behind", "95%", "text read", "vocabulary"):
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
            read(one),
            f"{one.vocabulary:,}",
        )
    yield table
    yield "* control"
    yield from (f"not trained: {name}, for {reason}." for name, reason in comparison.not_trained.items())
    yield ""
    yield from (escape(sentence) for sentence in comparison.verdict)


def figure(runs: Sequence[Scores], text: str) -> str:
    """Format a mean over seeds with its spread."""
    if not runs:
        return "-"
    from monoglot.pipeline.compare.result import Figure

    found = Figure.of([run[text] for run in runs])
    return f"{found.mean:.4f}" + (f" ± {found.std:.4f}" if found.std is not None else "")


def read(one: VariantResult) -> str:
    """Describe how much text a probe read."""
    return f"{one.text_bytes / 1e6:,.2f} MB" if one.ends else "-"


WORD = {"de": "Krankenversicherung", "sw": "wanafunzi"}


def demo_tables(demo: Demo) -> Iterator[RenderableType]:
    """The scoreboard, what became of the model, and what to try next."""
    yield ""
    yield from comparison_tables(demo.comparison)
    yield ""
    yield from summary_table(demo.summary)
    yield ""
    yield f"[bold]Open the report:[/] {escape(str(Path(demo.page).resolve()))}"
    yield "Next: what a word is made of, and the same for a model and a text of yours:"
    yield f"  monoglot explain {escape(demo.model)} {WORD[demo.language]}"
    yield "  monoglot plan MODEL TEXT…"


COUNTS = ("words", "entities", "examples", "pairs", "questions")
"""What scores are taken over; the same for every seed."""


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
            f"{max(speed.round_ratios):.2f} in {len(speed.round_ratios)} rounds)."
        )
        sizes = (f"{one.parameter_bytes / 1e6:,.0f} MB" for one in (speed.first, speed.second))
        yield f"Parameters take {' against '.join(sizes)} of memory: {speed.memory_ratio:.1%}."


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
        ("words cut to pieces", "continued_share", "{:.1%}"),
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
            f"{difference.high:+.4f} with 95% (bootstrap over lines)."
        )


def _kind(scores: Sequence[TextScores]) -> str:
    kinds = dict.fromkeys(one.language.kind for one in scores if one.language)
    return ", ".join({"causal": "exact", "masked": "pseudo-likelihood"}[kind] for kind in kinds)


def task_tables(evaluation: TaskEvaluation) -> Iterator[RenderableType]:
    """Show scores of a task."""
    from monoglot.pipeline.evaluate_task import summarized

    seeds = (
        f", {evaluation.settings.seeds} seeds" if evaluation.fine_tuned else ", sentence vectors as they are"
    )
    yield f"{evaluation.task}{seeds}"
    table = Table("", "score", *map(_column, evaluation.models), box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for place, runs in _places(evaluation.models).items():
        names = dict.fromkeys(name for run in runs for name in summarized(run))
        for name in sorted(names, key=lambda name: name != evaluation.metric):
            table.add_row(place, name, *(_cell(run, name) for run in runs))
            place = ""
    yield table
    if evaluation.fine_tuned:
        yield f"Epochs were chosen by {evaluation.metric} on the development set; ± is a standard deviation."
        if any(one.head == "usual" for one in evaluation.models):
            yield "Scores of the usual head are the ones to compare with published scores."
        else:
            yield "Published scores are those of the usual head: --heads both or usual gives them, too."


def _column(scores: TaskScores) -> str:
    """The title of a column: a model, and what its head was given."""
    from monoglot.pipeline.evaluate_task import HEADS

    name = Path(scores.model).name
    return f"{name}\n{HEADS[scores.head]}" if scores.head else name


def _places(models: Sequence[TaskScores]) -> dict[str, list[list[dict[str, float]]]]:
    """For the development set and each test set, the runs of each model."""
    places = {"dev": [model.dev for model in models]} if models[0].dev else {}
    return places | {name: [model.tests[name] for model in models] for name in models[0].tests}


def _cell(runs: list[dict[str, float]], name: str) -> str:
    from monoglot.pipeline.evaluate_task import summarized

    summary = summarized(runs).get(name)
    if summary is None:
        return "-"
    if name in COUNTS:
        return f"{summary['mean']:,.0f}"
    spread = f" ± {summary['std']:.4f}" if summary["std"] is not None else ""
    return f"{summary['mean']:.4f}{spread}"


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
        yield f"  {escape(token.token)} = {_sum(token.parents)}"
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


def _neighbors(neighbors: Sequence[Neighbor]) -> str:
    return "  ".join(f"{escape(near.token)} [dim]{near.cosine:.2f}[/]" for near in neighbors)


def push_lines(pushed: Pushed) -> Iterator[RenderableType]:
    """Show where a model was published, and its files."""
    seen = "private" if pushed.private else "public"
    size = f"{len(pushed.files)} files, {pushed.bytes / 1e6:,.1f} MB"
    yield f"[bold]{escape(pushed.address)}[/] ({seen}): {size}"
    yield escape(", ".join(pushed.files))
    if pushed.left_out:
        yield f"left out: {escape(', '.join(pushed.left_out))}"


def report_lines(report: Report) -> Iterator[RenderableType]:
    """Show the files of a report, and what was left out."""
    yield f"[bold]{escape(report.page)}[/]"
    if report.figures:
        yield f"{len(report.figures)} drawings in {escape(str(Path(report.figures[0]).parent))}"
    yield escape(report.card) if report.card else "README.md was left alone: it is not as monoglot wrote it."
    for note in report.notes:
        yield f"[yellow]note:[/] {escape(note)}"
