"""What a comparison says, as a page of its own and as a section of a report: from ``comparison.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from markupsafe import Markup

from monoglot.evaluation.line_scores import Interval, TeacherDistance
from monoglot.options import field_names
from monoglot.reporting import facts as report_facts, how_made
from monoglot.reporting.card_metadata import FOCUS_METHODS
from monoglot.reporting.chart import Chart
from monoglot.reporting.content import ComparisonSection, NextStep, Page, TextTable
from monoglot.reporting.figures.comparison import Series, comparison_curves
from monoglot.reporting.figures.gaps import Gap, gaps
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.verdict import Answer
from monoglot.reporting.wording import file_size, listed, shell_lines
from monoglot.settings import Settings
from monoglot.settings.compare import name_and_options, without_folders
from monoglot.settings_text import command_line_options

HELDOUT, TRIM = "heldout", "trim"
BASELINES = {
    "original vocabulary": "the original, trained alike",
    "original as it is": "the original as it is",
}
Entry = Mapping[str, Any]
"""A variant as the file has it."""


class Scoreboard:
    """The content of ``comparison.json``, read.

    Attributes:
        content: The content.
        measure: What all are scored by, for people; lower is better.
        entries: The variants: those that were trained by rank, then the others.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.measure = str(content["measure"]).replace("_", " ")
        self.entries: Sequence[Entry] = content["contestants"]

    @cached_property
    def contenders(self) -> list[Entry]:
        """Those that fill the new vocabulary, controls too, the best first."""
        return [one for one in self.entries if one["end"] and one.get("new_vocabulary", not one["control"])]

    @cached_property
    def best(self) -> Entry:
        """The best of them."""
        return self.contenders[0]

    @cached_property
    def baselines(self) -> list[Entry]:
        """Those with a vocabulary of old tokens, which the best is compared with."""
        # That a teacher is no distance from itself is nothing to compare with.
        untrained = self.measure != TeacherDistance.label
        return [one for one in self.entries if one not in self.contenders and (one["end"] or untrained)]

    def behind(self, name: str, other: str) -> Interval | None:
        """By how much one is worse than another, below zero better; ``None`` if that is not known."""
        for pair in self.content.get("differences", ()):
            value, low, high = (float(pair[key]) for key in ("value", "low", "high"))
            if (pair["worse"], pair["better"]) == (name, other):
                return Interval(value, low, high)
            if (pair["worse"], pair["better"]) == (other, name):
                return Interval(-value, -high, -low)
        return None

    @property
    def table(self) -> TextTable:
        """The variants with their scores, before and after training, on each text."""
        texts = list(self.entries[0]["start"])
        best = self.best["name"] if self.contenders else ""
        gaps = {one["name"]: self.behind(one["name"], best) for one in self.entries}
        head = ["", "tokens"]
        for text in texts:
            named = "" if text == HELDOUT else f"{text}, "
            head += [f"{named}untrained", f"{named}trained"]
        head += [f"behind {best}, with 95% interval"] if any(gaps.values()) else []
        rows = [
            [
                _named(one),
                f"{one['vocabulary']:,}",
                *(_spread(one[when].get(text)) for text in texts for when in ("start", "end")),
                *([_cell(gaps[one["name"]])] if any(gaps.values()) else []),
            ]
            for one in self.entries
        ]
        return TextTable(head, rows)

    @property
    def charts(self) -> dict[str, Chart]:
        """How far all are behind the best method, and the curves of their training."""
        found = {}
        rows = [
            Gap(one["name"], gap, is_control=one["control"])
            for one in (self.entries if self.contenders else ())
            if one in self.contenders or one in self.baselines
            if (gap := self.behind(one["name"], self.best["name"])) is not None
        ]
        if rows:
            found["behind-the-best"] = gaps(self.measure, self.best["name"], rows)
        series = [
            Series(one["name"], one["curves"], one["control"], self.content.get("seeds", ()))
            for one in self.entries
            if one.get("curves")
        ]
        if series:
            found["curves"] = comparison_curves(self.measure, series)
        return found

    @property
    def section(self) -> ComparisonSection:
        """All of it, as a section of a page."""
        reasons = self.content.get("not_trained", {})
        told = [f"Not trained: {name}, for {reason}." for name, reason in reasons.items()]
        if read := self.text_read():
            told.append(f"In the same number of tokens, they read: {'; '.join(read)}.")
        return ComparisonSection(self.table, self.charts, [*self.content.get("verdict", ()), *told])

    def text_read(self) -> list[str]:
        """How much text is in the tokens of each vocabulary; nothing where that was not recorded."""
        read = [one for one in (*self.contenders[:1], *self.baselines) if one.get("probe_text_bytes")]
        names = {one["name"]: one["name"] for one in read} | {self.best["name"]: "the new vocabulary"}
        return [f"{names[one['name']]} {file_size(one['probe_text_bytes'])} of text" for one in read]

    def answers(self) -> Iterator[Answer]:
        """Give the best method, and then how it compares with vocabularies of old tokens."""
        best, measure = self.best, self.measure
        gaps = {one["name"]: self.behind(one["name"], best["name"]) for one in self.contenders[1:]}
        known = {name: gap for name, gap in gaps.items() if gap is not None}
        alike = [name for name, gap in known.items() if not gap.excludes_zero]
        note = f"the best of {len(self.contenders)} methods for the new vocabulary"
        if alike:
            note += f", but can't be told from {listed(alike)}: {_apart(known[alike[0]])}"
        elif known:
            nearest = min(known, key=lambda name: known[name].value)
            note += f"; next is {nearest}, {_apart(known[nearest])}"
        score = f"{_score(best):.4f} {measure}"
        yield Answer("best method", "", _named(best), score, note, f"{_named(best)}: {score}, {note}")
        for one in self.baselines:
            behind = self.behind(best["name"], one["name"])
            if behind is None:
                continue
            relation = "worse" if behind.value > 0 else "better"
            told = f"{best['name']} is {relation}" if behind.excludes_zero else "can't be told apart"
            before, after, change = f"{_score(one):.4f}", f"{_score(best):.4f}", _apart(behind)
            note = f"{measure} (lower is better) of {one['name']} → {best['name']}: {told}"
            line = f"{before} → {after}, {change}: {told}"
            yield Answer(
                f"beside {BASELINES.get(one['name'], one['name'])}", before, after, change, note, line
            )

    def story(self) -> list[str]:
        """Say in sentences what was compared, and how."""
        found = self.content
        seeds = len(found["seeds"])
        return [
            f"{len(self.entries)} variants were scored by {self.measure} (lower is better) on "
            f"{found['lines']:,} held-out lines, before and after the same training: {found['objective']}, "
            f"{found['probe_tokens']:,} tokens, {seeds} seed{'s' * (seeds > 1)}.",
            "They differ only in the initial embeddings and, for controls, in the vocabulary.",
        ]


def compose_comparison(run: FinishedRun) -> Page:
    """Compose the page of a comparison.

    Args:
        run: What `compare` left behind.
    """
    board = Scoreboard(run.comparison)
    name = str(run.comparison["source"]).rstrip("/").rpartition("/")[2]
    return Page(
        title=f"Which initialization is best for {name}?",
        subtitle=report_facts.subtitle(run),
        story=board.story(),
        answers=list(board.answers()),
        next_step=_next_step(run, board),
        comparison=board.section,
        cites_focus=any(name_and_options(one["name"])[0] in FOCUS_METHODS for one in board.entries),
        closing="The figures and their numbers are in monoglot/figures, and all scores by seed are in "
        "comparison.json; `monoglot report` writes this page again.",
        **how_made.sections(run),
    )


def _next_step(run: FinishedRun, board: Scoreboard) -> NextStep | None:
    """Say how to make the model with the best method; ``None`` where the run has not recorded its inputs."""
    names = run.manifest.get("names", {})
    if not {"source", "corpus"} <= set(names):
        return None
    given = run.manifest["settings"]["CompareSettings"]
    best, words = board.best["name"], ",".join(given["methods"]).split(",")
    method, options = name_and_options(next((w for w in words if without_folders(w) == best), best))
    shared = {name: value for name, value in given.items() if name in field_names(Settings)}
    shared |= {"mode": "replace", "method": method, "method_options": options, "adapt_options": {}}
    command = ["monoglot", "specialize", names["source"], *names["corpus"]]
    command += ["--output", f"{run.place}-{method}", *command_line_options(shared, Settings())]
    told = f"Next: make the model with {best}."
    trim = board.behind(best, TRIM)
    if trim is not None and (trim.value > 0 or not trim.excludes_zero):
        how = "is ahead of it" if trim.excludes_zero else "can't be told from it"
        told += (
            f" But trim {how}, and needs no training: --mode trim keeps the source's tokens and their "
            "embeddings, and segments words into more of them."
        )
    return NextStep(told, shell_lines(command))


def _named(one: Entry) -> str:
    return f"{one['name']} (control)" if one["control"] else str(one["name"])


def _score(one: Entry) -> float:
    """The figure that a variant is ranked by: after training, if it was trained."""
    return float((one["end"] or one["start"])[HELDOUT]["mean"])


def _spread(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "–"
    return f"{figure['mean']:.4f}" + (f" ± {figure['std']:.4f}" if figure["std"] else "")


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def _cell(gap: Interval | None) -> str:
    if gap is None:
        return ""
    ends = f"{_signed(gap.low)} to {_signed(gap.high)}"
    return Markup('{}<span class="meaning">{}</span>').format(_signed(gap.value), ends)


def _apart(gap: Interval) -> str:
    """Write a difference and its interval, as a distance and its direction."""
    how = "behind" if gap.value > 0 else "ahead"
    sign = 1 if gap.value > 0 else -1
    low, high = sorted((sign * gap.low, sign * gap.high))
    return f"{abs(gap.value):.4f} {how} (95% interval {_signed(low)} to {_signed(high)})"
