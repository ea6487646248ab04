"""The content of the report page as plain values, before it becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

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
        figure: The drawing.
        legends: What its colors mean.
        caption: What is to be seen on it.
    """

    figure: Markup
    legends: tuple[Legend, ...]
    caption: str


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        head: Names of the columns.
        rows: The cells.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


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
        saving: Drawing of what so many new tokens save.
        overlaps: Crosstabs of groups of tokens and provenance, each with its drawing, by name.
        kinds: What the kinds of tokens in one of them are.
        examples: Sentences segmented by both tokenizers.
        tokens: The packed table of tokens, with the points of the map.
        n_tokens: How many tokens there are.
        map: The map of embeddings.
        norms: Drawing of the lengths of embeddings.
        norms_advice: What they call for; empty if nothing.
        training: Before and after training.
        curves: Drawings of the training.
        comparison: Scores of several ways to do it.
        comparison_picture: Address of a drawing of their curves.
        verdict: What may be said of them, a sentence each.
        costs: What each stage cost.
        settings: Settings by group.
        versions: Versions of libraries.
        hashes: Content hashes of inputs and of what was made.
        command: What to type to make it again.
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
    kept: Table | None = None
    new_tokens: Table | None = None
    saving: Markup | None = None
    overlaps: Mapping[str, tuple[Crosstab, Markup]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    tokens: Mapping[str, Any] | None = None
    n_tokens: int = 0
    map: Map | None = None
    norms: Markup | None = None
    norms_advice: str = ""
    training: Sequence[Change] = ()
    curves: Mapping[str, Markup] = field(default_factory=dict)
    comparison: Table | None = None
    comparison_picture: str = ""
    verdict: Sequence[str] = ()
    costs: Table | None = None
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def figures(self) -> dict[str, Markup]:
        """All figures by file name."""
        found = {f"overlap-by-{name}": figure for name, (_, figure) in self.overlaps.items()}
        if self.map is not None:
            found |= {
                f"map-by-{legend.name}": Markup(
                    str(self.map.figure).replace('data-color="p"', f'data-color="{legend.key}"', 1)
                )
                for legend in self.map.legends
            }
        if self.norms is not None:
            found["norms"] = self.norms
        if self.saving is not None:
            found["new-tokens"] = self.saving
        return found | {name.replace(" ", "-"): figure for name, figure in self.curves.items()}
