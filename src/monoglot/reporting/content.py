"""The content of the report page as plain values, before it becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monoglot.reporting.chart import Chart
from monoglot.reporting.tokens import Crosstab, Example
from monoglot.reporting.verdict import Answer


@dataclass(frozen=True)
class Change:
    """A row of the table of before and after.

    Attributes:
        name: What is compared.
        before: The old value, as it is to be shown; empty if it is not known.
        after: The new one.
        change: The difference.
        meaning: What the figure is, for those who don't know its name.
    """

    name: str
    before: str
    after: str
    change: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Origin:
    """The number of rows of one provenance.

    Attributes:
        name: What it is called.
        color: Number of its color.
        tokens: How many tokens.
        vocabulary_share: Their share of the vocabulary.
        corpus_share: Their share of the running text.
        meaning: How such a row is made.
    """

    name: str
    color: int
    tokens: int
    vocabulary_share: float
    corpus_share: float
    meaning: str = ""


@dataclass(frozen=True)
class Legend:
    """The legend of one coloring of the map.

    Attributes:
        key: The letter of the coloring.
        name: What its colors distinguish.
        entries: Name, number of the color, and points of each group.
    """

    key: str
    name: str
    entries: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Map:
    """The map of embeddings.

    Attributes:
        chart: The drawing, and where its tokens are.
        legends: What its colors mean.
        caption: What is to be seen on it.
    """

    chart: Chart
    legends: tuple[Legend, ...]
    caption: str


@dataclass(frozen=True)
class TextTable:
    """A table of texts.

    Attributes:
        head: Names of the columns.
        rows: The cells.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class ComparisonSection:
    """What `compare` found, as a section.

    Attributes:
        table: A row for each variant.
        charts: The curves of their training, and how far they are behind the best method, by name.
        verdict: What may be said of them, a sentence each.
    """

    table: TextTable
    charts: Mapping[str, Chart]
    verdict: Sequence[str]


@dataclass(frozen=True)
class NextStep:
    """What to do with the model now.

    Attributes:
        words: Why, in a sentence.
        code: A command line, or Python.
    """

    words: str
    code: str


@dataclass(frozen=True)
class WorstLine:
    """A held-out line on which the new model is far behind its original.

    Attributes:
        score: Its score, in words.
        example: The line, segmented by both tokenizers.
    """

    score: str
    example: Example


@dataclass(frozen=True)
class Page:
    """The content of the page; sections that are empty or ``None`` are left out.

    Attributes:
        title: Name of the new model.
        subtitle: When and by what it was made.
        story: What was done, in some sentences.
        answers: Size, tokens per word and quality, before and after.
        next_step: What to do now.
        changes: Before and after.
        worst: The held-out lines on which the new model is furthest behind.
        warnings: What makes the new embeddings doubtful.
        notes: What is not shown, and why.
        origins: Where the rows come from.
        kept: How many source tokens were kept for each reason.
        new_tokens: The new tokens that save most.
        saving: Chart of what so many new tokens save.
        overlaps: Crosstabs of groups of tokens and provenance, each with its chart, by name.
        kinds: What the kinds of tokens in one of them are.
        examples: Sentences segmented by both tokenizers.
        tokens: The packed table of tokens, with the points of the map.
        n_tokens: How many tokens there are.
        map: The map of embeddings.
        norms: Chart of the lengths of embeddings.
        norms_advice: What they call for; empty if nothing.
        training: Before and after training.
        curves: Charts of the training.
        comparison: Scores of several ways to do it.
        costs: What each stage cost.
        settings: Settings by group.
        versions: Versions of libraries.
        hashes: Content hashes of inputs and of what was made.
        command: What to type to make it again.
        cites_focus: Whether FOCUS was used, so that its paper is named.
        closing: The last sentence: what else there is.
    """

    title: str
    subtitle: str
    story: Sequence[str]
    answers: Sequence[Answer] = ()
    next_step: NextStep | None = None
    changes: Sequence[Change] = ()
    worst: Sequence[WorstLine] = ()
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    origins: Sequence[Origin] = ()
    kept: TextTable | None = None
    new_tokens: TextTable | None = None
    saving: Chart | None = None
    overlaps: Mapping[str, tuple[Crosstab, Chart]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    tokens: Mapping[str, Any] | None = None
    n_tokens: int = 0
    map: Map | None = None
    norms: Chart | None = None
    norms_advice: str = ""
    training: Sequence[Change] = ()
    curves: Mapping[str, Chart] = field(default_factory=dict)
    comparison: ComparisonSection | None = None
    costs: TextTable | None = None
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    cites_focus: bool = False
    closing: str = ""

    @property
    def charts(self) -> dict[str, Chart]:
        """All charts by the name that the page and their files have for them."""
        found = {f"overlap-by-{name}": chart for name, (_, chart) in self.overlaps.items()}
        others = {"map": self.map.chart if self.map else None, "norms": self.norms, "new-tokens": self.saving}
        found |= {name: chart for name, chart in others.items() if chart is not None}
        found |= {name.replace(" ", "-"): chart for name, chart in self.curves.items()}
        return found | (dict(self.comparison.charts) if self.comparison else {})

    @property
    def drawings(self) -> dict[str, str]:
        """All drawings as files, by name; the map once for each of its colorings."""
        found = {name: chart.svg for name, chart in self.charts.items()}
        if self.map is None:
            return found
        colorless = found.pop("map")
        return found | {
            f"map-by-{legend.name}": colorless.replace('data-color="p"', f'data-color="{legend.key}"', 1)
            for legend in self.map.legends
        }
