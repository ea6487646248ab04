"""Composes the report page of a run and writes it as one HTML file."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from monoglot.maths.mixture import Mixture
from monoglot.model.source import Source
from monoglot.reporting import facts as report_facts, how_made
from monoglot.reporting.card_metadata import uses_focus
from monoglot.reporting.chart import Chart
from monoglot.reporting.content import Page
from monoglot.reporting.embedding_map import Space
from monoglot.reporting.facts import (
    Facts,
    changes,
    measurements,
    origins,
    summary_sentences,
    training_changes,
)
from monoglot.reporting.figures.bars import stacked_bars
from monoglot.reporting.figures.curve import curve
from monoglot.reporting.finished_run import FinishedRun, FoundSource, token_namer
from monoglot.reporting.next_step import next_step
from monoglot.reporting.scoreboard import Scoreboard
from monoglot.reporting.svg import figure_style
from monoglot.reporting.tokens import Crosstab, TokenTable, crosstab, examples, token_table
from monoglot.reporting.vocabulary_section import kept_table, new_tokens_table, saving_curve
from monoglot.reporting.wording import PROVENANCE_COLORS, provenance_name
from monoglot.reporting.worst_lines import worst_lines
from monoglot.tokenization.kinds import RULES, Evidence, TextCounts, count_inner_words, kinds_of

EXAMPLES = 6


def compose(run: FinishedRun, facts: Facts, found: FoundSource) -> Page:
    """Compose the content of the page.

    Args:
        run: What the run left behind.
        facts: Its figures.
        found: The source model, or why there is none.
    """
    parts: dict[str, Any] = {}
    notes = []
    mixture, source = run.mixture, found.model
    if mixture is not None:
        if source is None:
            notes.append(
                "The source model was not available: its tokens are shown as numbers, and its embeddings are "
                f"not shown ({found.reason})."
            )
        parts |= _tokens_and_space(run, mixture, source, facts.method)
    old = source.tokenizer if source else None
    return Page(
        title=facts.output,
        subtitle=report_facts.subtitle(run),
        story=summary_sentences(facts),
        answers=report_facts.verdict(facts),
        next_step=next_step(run),
        changes=changes(facts),
        worst=worst_lines(facts.quality, run.heldout, old, run.tokenizer) if facts.quality else (),
        warnings=report_facts.warnings(run),
        notes=notes,
        origins=origins(facts),
        kept=kept_table(run),
        new_tokens=new_tokens_table(run),
        saving=saving_curve(run),
        examples=examples(old, run.tokenizer, run.heldout, EXAMPLES) if mixture else (),
        training=training_changes(facts),
        curves=_curves(facts),
        comparison=Scoreboard(run.comparison).section if run.comparison else None,
        cites_focus=uses_focus(facts),
        closing="The figures and their numbers are in monoglot/figures; `monoglot report` writes this page "
        "again, and `monoglot explain` shows more about single tokens.",
        **how_made.sections(run),
        **parts,
    )


def _tokens_and_space(
    run: FinishedRun, mixture: Mixture, source: Source | None, method: str
) -> dict[str, Any]:
    """Compose what the page says of single tokens."""
    name_source = token_namer(source)
    table = token_table(run.vocabulary, mixture, run.counts, name_source)
    space = Space(table, mixture, method, run.embeddings, source.rows if source else None)
    packed = table.packed(name_source)
    labels = {name: provenance_name(name, method) for name in PROVENANCE_COLORS}
    packed |= {"labels": labels, "colors": PROVENANCE_COLORS, "map": space.on_map.tolist()}
    return {
        "overlaps": _overlaps(run, table, labels),
        "kinds": {kind.value: rule for kind, rule in RULES.items()},
        "tokens": packed,
        "n_tokens": len(table.texts),
        "map": space.map(),
        "norms": space.norms(),
        "norms_advice": space.norms_advice(),
    }


def _overlaps(
    run: FinishedRun, table: TokenTable, labels: Mapping[str, str]
) -> dict[str, tuple[Crosstab, Chart]]:
    """Count kinds and scripts of tokens by provenance.

    Names are told from words by held-out text only: reading the whole corpus again would take too long.
    """
    words = count_inner_words(run.heldout)
    kinds = kinds_of(run.vocabulary, Evidence(TextCounts(run.counts, words)))
    kind_of = dict(zip(run.vocabulary.ids.tolist(), kinds, strict=True))
    groupings = {
        "kind": [kind_of[id].value for id in table.ids.tolist()],
        "script": ["no letters" if name == "none" else name for name in table.scripts],
    }
    present = [name for name in PROVENANCE_COLORS if name in set(table.provenance)]
    colors = {labels[name]: PROVENANCE_COLORS[name] for name in present}
    parts = [labels[name] for name in table.provenance]
    found = {}
    for name, groups in groupings.items():
        counts = crosstab(groups, parts, list(colors))
        found[name] = counts, stacked_bars(f"Tokens by {name} and origin", counts, colors)
    return found


def _curves(facts: Facts) -> dict[str, Chart]:
    """Draw the loss and the held-out figures of training."""
    return {
        title.partition(",")[0]: curve(f"Training: {title}", title, points, marked=title != "training loss")
        for title, points in measurements(facts).items()
        if len(points) > 1
    }


SCRIPTS = ("data.js", "charts.js", "table.js", "map.js", "start.js")
STYLES = ("palette.css", "figures.css", "page.css")


def render(page: Page) -> str:
    """Write the page as HTML; all that comes from tokenizers and texts is escaped."""
    environment = Environment(
        loader=PackageLoader("monoglot.reporting", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = lambda value: f"{value:.1%}"
    environment.filters["count"] = lambda value: f"{value:,}"
    numbers = {name: chart.csv for name, chart in page.charts.items()}
    return environment.get_template("page.html.j2").render(
        page=page,
        data=pack(page.tokens) if page.tokens is not None else None,
        charts=pack({"style": figure_style(), "numbers": numbers}) if numbers else None,
        scripts=SCRIPTS,
        styles=STYLES,
    )


def pack(values: Mapping[str, Any]) -> str:
    """Compress plain values to text that is safe inside HTML: JSON, gzip, base64."""
    plain = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(plain, mtime=0)).decode()
