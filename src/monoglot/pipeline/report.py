"""`report`: the page that shows what a run did, its figures, and the model card."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monoglot.device import limited_threads
from monoglot.errors import OutputError, SettingError
from monoglot.evaluation.settings import SCORED_WORDS
from monoglot.keywords import explains_keywords
from monoglot.model.source import Source, open_source
from monoglot.progress import SILENT, Progress, reporter
from monoglot.reporting import facts as report_facts
from monoglot.reporting.card import write_card
from monoglot.reporting.card_metadata import describe
from monoglot.reporting.content import Page
from monoglot.reporting.finished_run import FinishedRun, FoundSource, compared_with, find_source
from monoglot.reporting.page import compose, render
from monoglot.reporting.scoreboard import compose_comparison
from monoglot.reporting.svg import as_png
from monoglot.result import Highlight, Made, Result, Row, folder_of
from monoglot.run import atomic_write, write_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import EvaluateSettings, RunSettings
from monoglot.settings.described import check_described

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Report(Result):
    """What was written.

    Attributes:
        page: The page.
        figures: The drawings.
        card: The model card; ``None`` if the user's own was left alone, or there is no model.
        notes: What the page does not show, and why; that a card was left alone.
    """

    page: str
    figures: tuple[str, ...]
    card: str | None
    notes: tuple[str, ...]

    def highlights(self) -> Iterator[Highlight]:
        """Give the files, and what the page does not show."""
        yield "page", self.page
        yield "figures", f"{len(self.figures)} files"
        if self.card:
            yield "card", self.card
        for note in self.notes:
            yield "note", note

    def rows(self) -> list[Row]:
        """Give a row for each file."""
        files = [("page", self.page), *(("figure", figure) for figure in self.figures)]
        return [{"kind": kind, "file": file} for kind, file in (*files, ("card", self.card)) if file]


@explains_keywords()
def report(
    output: str | Path | Made,
    *,
    source: str | Source | None = None,
    language: str | None = None,
    base_model: str | None = None,
    evaluate: bool = False,
    png: bool = False,
    threads: int | None = None,
    trust_remote_code: bool = False,
    progress: Progress | bool = False,
) -> Report:
    """Write the page, the drawings and the model card of a finished run.

    Args:
        output: Folder that `specialize`, `adapt` or `compare` wrote, or what that function gave back.
        source: The source model, or its name if it is elsewhere than it was. Without it the page shows what
            the artifacts alone tell, and says so.
        language: Code of the language (``de``), for the model card.
        base_model: Name of the source model on the hub (``owner/name``), for the card, if it was a folder.
        evaluate: Whether to measure quality and speed of both models on the run's held-out text first, for
            the table of before and after; later reports show it too.
        png: Whether to write the drawings as PNG too.
        threads: Number of threads; by default the number of cores.
        trust_remote_code: Whether code that comes with the models may run.
        progress: Whether to show how far the measuring is, or where.

    Raises:
        OutputError: If monoglot did not make the folder, or there is nothing to evaluate on.
        SettingError: If what draws PNG is not installed, or a language or a name is no such thing.
        ModelError: If a source is named that can't be used, or is not the one.
    """
    check_described(language, base_model)
    artifacts = FinishedRun(folder_of(output), trust_remote_code=trust_remote_code)
    if artifacts.is_comparison and (language or base_model):
        raise SettingError(
            f"{output} is a comparison, which has no model card: leave out --language and --base-model"
        )
    with limited_threads(RunSettings(threads=threads).n_threads):
        return _write(
            artifacts, source, language, base_model, evaluate=evaluate, png=png, progress=reporter(progress)
        )


def _write(
    artifacts: FinishedRun,
    source: str | Source | None,
    language: str | None = None,
    base_model: str | None = None,
    *,
    evaluate: bool = False,
    png: bool = False,
    progress: Progress = SILENT,
) -> Report:
    if artifacts.is_comparison:
        if evaluate:
            artifacts.check_model()
        return _write_comparison(artifacts, png=png)
    found = FoundSource(source) if isinstance(source, Source) else FoundSource(None)
    if not isinstance(source, Source) and artifacts.mixture is not None:
        found = find_source(artifacts, source)
    if evaluate:
        measure(artifacts, compared_with(artifacts, found, source), progress)
    facts = report_facts.gather(artifacts, found.model)
    page = compose(artifacts, facts, found)
    home = artifacts.folders[0]
    written = draw(page, home / LAYOUT.figures, png=png)
    with atomic_write(home / LAYOUT.page) as file:
        file.write(render(page))
    described = describe(artifacts, found.model.folder if found.model else None, language, base_model)
    card = write_card(artifacts, facts, page.warnings, described)
    notes = (*page.notes, *(() if card else (CARD_KEPT,)))
    return Report(str(home / LAYOUT.page), tuple(written), str(card) if card else None, notes)


CARD_KEPT = "README.md was left alone: it is not as monoglot wrote it"


def _write_comparison(artifacts: FinishedRun, *, png: bool) -> Report:
    """Write the page and the drawings of a comparison, which has no model and no card."""
    page, home = compose_comparison(artifacts), artifacts.folders[0]
    written = draw(page, home / LAYOUT.figures, png=png)
    with atomic_write(home / LAYOUT.page) as file:
        file.write(render(page))
    return Report(str(home / LAYOUT.page), tuple(written), None, ())


MEASURED = EvaluateSettings(lines=100, word_share=SCORED_WORDS)
"""Enough lines to tell models apart in a few minutes."""


def measure(artifacts: FinishedRun, source: Source, progress: Progress) -> None:
    """Score a model and its source on the run's held-out text, and keep the result for reports.

    Args:
        artifacts: What the run left behind.
        source: The model that it was made from.
        progress: Where to show how far it is.

    Raises:
        OutputError: If the run has no held-out text.
    """
    lines = artifacts.heldout[: MEASURED.lines]
    if not lines:
        raise OutputError(
            f"{artifacts.place} has no held-out text to measure on: score it with `monoglot evaluate "
            f"{artifacts.place} TEXT --against {source.name}`"
        )
    from monoglot.pipeline.evaluate import compare_models  # imports the trainer, which takes seconds

    own = open_source(str(artifacts.output), trust_remote_code=artifacts.trust_remote_code)
    found = compare_models((own, source), lines, MEASURED, progress=progress)
    write_json(artifacts.folders[0] / LAYOUT.evaluation, found.to_dict())


def draw(page: Page, folder: Path, *, png: bool) -> list[str]:
    """Write the drawings as SVG, and as PNG if wanted; beside them their numbers, as CSV.

    Returns:
        The files of the drawings.
    """
    drawings = page.drawings
    contents = {f"{name}.svg": svg.encode() for name, svg in drawings.items()}
    if png:
        contents |= {f"{name}.png": as_png(svg) for name, svg in drawings.items()}
    numbers = {f"{name}.csv": chart.csv.encode() for name, chart in page.charts.items()}
    folder.mkdir(exist_ok=True)
    for name, content in (contents | numbers).items():
        with atomic_write(folder / name, "wb") as file:
            file.write(content)
    return [str(folder / name) for name in contents]


def report_at_end(folder: Path, output: Path, source: Source | None, progress: Progress) -> None:
    """Write the report of a run that is about to be published.

    Errors of the report are logged and do not fail the run: all else is complete.

    Args:
        folder: The folder in which all else is complete.
        output: The folder that it will be.
        source: The source model, if it is available.
        progress: Where to say that it is written.
    """
    try:
        written = _write(
            FinishedRun(folder, output, trust_remote_code=source is not None and source.trust_remote_code),
            source,
        )
    # Whatever is wrong with the page, from a full disk to a fault of its own code: the run is complete.
    except Exception as error:
        logger.warning(
            "The report of %s could not be written (%s); everything else is complete: run `monoglot "
            "report` to try again.",
            output,
            error,
            exc_info=logger.isEnabledFor(logging.DEBUG),
        )
        return
    if CARD_KEPT in written.notes:
        logger.warning(
            "%s; what it says may be of an earlier run: remove it and run `monoglot report`", CARD_KEPT
        )
    progress.note(f"report       {output / Path(written.page).relative_to(folder)}")
