"""`compare`: initialisation methods and controls on equal inputs, after equal training, on one scoreboard."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monoglot.corpus import Given, inputs_of, open_corpus
from monoglot.errors import SettingError
from monoglot.evaluation.line_scores import TeacherDistance
from monoglot.initialization.registry import get_method
from monoglot.model.source import open_source
from monoglot.pipeline import texts
from monoglot.pipeline.checks import check, check_runs
from monoglot.pipeline.compare_contest import contest, excuses
from monoglot.pipeline.compare_entrants import entrants
from monoglot.pipeline.compare_measure import choose_measure
from monoglot.pipeline.compare_methods import read_methods
from monoglot.pipeline.compare_picture import picture
from monoglot.pipeline.compare_probe import Contestant, Laboratory
from monoglot.pipeline.compare_result import HELDOUT, Comparison, differences, ranked
from monoglot.pipeline.compare_settings import CompareSettings
from monoglot.pipeline.compare_verdict import verdict
from monoglot.pipeline.evaluate_settings import EvaluateSettings
from monoglot.pipeline.evaluation import read_lines
from monoglot.pipeline.last_stage import LastStage
from monoglot.pipeline.places import check_output
from monoglot.pipeline.threads import limited_threads
from monoglot.pipeline.walk import Walk
from monoglot.progress import SILENT, Progress
from monoglot.run import Run, atomic_write, write_json
from monoglot.vectors.registry import get_engine

RETENTION = "retention"


def compare(
    source: str | Path,
    corpus: Given,
    output: str | Path,
    settings: CompareSettings | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> Comparison:
    """Compare initialisation methods on one model and text, each after the same short training.

    All share tokenizer, auxiliary vectors, and the lines that are trained and scored on. Controls are
    added: subword, random rows, the source's own vocabulary trimmed to the same size, that vocabulary
    whole, and the original as it is. A run that was interrupted goes on where it was.

    Args:
        source: Folder or hub name of the model.
        corpus: Files, globs, folders or hub datasets with text of the target language.
        output: Folder to make: ``comparison.json``, ``curves.svg``, and what they were made from.
        settings: Everything else.
        overwrite: Whether to replace an output that an earlier run made; what has not changed is not done
            again, so that methods can be added.
        progress: Where to show how far the work is.

    Returns:
        The scoreboard.

    Raises:
        InputError: If something that was given can't be used; the message says how to mend it.
        Interrupted: If a signal ended it; the same call goes on from there.
    """
    settings = settings or CompareSettings()
    inputs = list(inputs_of(corpus))
    shared = settings.of_run()
    with limited_threads(shared.n_threads):
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise SettingError("compare works in one process: start it without accelerate or torchrun")
        chosen = read_methods(settings.methods)
        engine = get_engine(shared.vectors, shared.vectors_options)
        text = open_corpus(inputs, column=settings.column, heldout=settings.heldout)
        retention = EvaluateSettings(lines=settings.lines, column=settings.column)
        scored = {RETENTION: read_lines(settings.retention, retention)} if settings.retention else {}
        model = open_source(str(source), trust_remote_code=settings.trust_remote_code)
        check_output(output, source, inputs, text, settings, *(one.initializer for one in chosen))
        check(model, text, shared)
        check_runs(model, trained=True)
        for one in chosen:
            one.initializer.check()
        probe = LastStage.of(shared, model)
        measure = choose_measure(model, probe.settings)
        with Run.open(Path(output), overwrite) as run:
            walk = Walk(run, model, text, get_method(shared.method), engine, shared, progress)
            if walk.looked_into and any(one.initializer.needs_vectors for one in chosen):
                walk.looked_into.check()
            survey = texts.survey(walk)
            scored = {HELDOUT: spread(texts.heldout(survey), settings.lines)} | scored
            probe_text, contestants = entrants(walk, survey, chosen)
            laboratory = Laboratory(walk, measure, scored, probe, probe_text)
            comparison = scoreboard(laboratory, contestants, settings)
            publish(walk, comparison, settings)
            return comparison


def scoreboard(
    laboratory: Laboratory, contestants: Sequence[Contestant], settings: CompareSettings
) -> Comparison:
    """Score and train all, rank them, and say what that means."""
    measure = laboratory.measure
    found = ranked(tuple(contest(laboratory, contestants, settings.all_seeds)))
    pairs = differences(found, settings.seed)
    # That a teacher is no distance from itself is nothing to compare with.
    judged = [one for one in found if one.ends or not isinstance(measure, TeacherDistance)]
    return Comparison(
        source=laboratory.walk.source.name,
        objective=str(laboratory.probe.settings.objective),
        measure=measure.label,
        probe_tokens=settings.probe_tokens,
        seeds=settings.all_seeds,
        lines=len(laboratory.texts[HELDOUT]),
        found=found,
        not_trained=excuses(laboratory, contestants),
        pairs=pairs,
        verdict=tuple(verdict(judged, pairs, measure.label, settings.seeds)),
    )


def spread(lines: Sequence[str], most: int) -> list[str]:
    """Some lines, spread evenly over a text."""
    places = np.linspace(0, len(lines) - 1, min(most, len(lines)))
    return [lines[place] for place in np.unique(places.astype(int))]


def publish(walk: Walk, comparison: Comparison, settings: CompareSettings) -> None:
    """Write the scoreboard and its picture, and give the output its name."""

    def compute(folder: Path) -> None:
        write_json(folder / "comparison.json", comparison.as_dict())
        with atomic_write(folder / "curves.svg") as file:
            file.write(picture(comparison))

    stages = {name: artifact.key for name, artifact in walk.run.artifacts.items()}
    result = walk.stage("comparison", compute, settings, **stages)
    hashes = {"corpus": walk.corpus.fingerprint(), "source": walk.source.key}
    walk.run.publish(result, settings=settings, inputs=hashes, seed=settings.seed)
