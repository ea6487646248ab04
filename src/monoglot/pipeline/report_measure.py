"""What a report measures when it is asked to: quality and speed of the model beside those of its source."""

from __future__ import annotations

from monoglot.errors import OutputError
from monoglot.model.source import Source, open_source
from monoglot.pipeline.evaluate_settings import EvaluateSettings
from monoglot.pipeline.evaluation import compare_models
from monoglot.pipeline.orders import SCORED_WORDS
from monoglot.progress import Progress
from monoglot.report.finished_run import EVALUATION, Artifacts
from monoglot.run import write_json

MEASURED = EvaluateSettings(lines=100, word_share=SCORED_WORDS)
"""Enough lines to tell models apart, few enough for a coffee."""


def measure(artifacts: Artifacts, source: Source, progress: Progress) -> None:
    """Score a run's model and the one that it was made from on its held-out text, and keep that for reports.

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
    own = open_source(str(artifacts.output), trust_remote_code=artifacts.trust_remote_code)
    found = compare_models((own, source), lines, MEASURED, progress=progress)
    write_json(artifacts.homes[0] / EVALUATION, found.as_dict())
