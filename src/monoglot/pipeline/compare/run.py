"""`compare`: initialization methods and controls on equal inputs, after equal training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np

from monoglot.corpus import Given, inputs_of, open_corpus
from monoglot.device import check_device, limited_threads
from monoglot.evaluation.line_scores import TeacherDistance
from monoglot.initialization.registry import get_method
from monoglot.keywords import explains_keywords
from monoglot.model.source import open_source
from monoglot.pipeline.compare.probe import ProbeRunner, Variant, choose_measure, read_curve, read_scores
from monoglot.pipeline.compare.result import (
    Comparison,
    VariantResult,
    differences,
    ranked,
    verdict,
)
from monoglot.pipeline.compare.variants import ORIGINAL, build_variants, read_methods
from monoglot.pipeline.evaluate import read_lines
from monoglot.pipeline.inputs import check, check_runs
from monoglot.pipeline.preview import check_output, check_processes
from monoglot.pipeline.report import report_at_end
from monoglot.pipeline.stages.context import VocabularyContext
from monoglot.pipeline.stages.corpus import lines_to_score, read_corpus
from monoglot.pipeline.training_plan import AdaptPlan, filled
from monoglot.progress import Progress, reporter
from monoglot.reporting.scoreboard import HELDOUT, Scoreboard
from monoglot.run import Artifact, Description, Run, atomic_write, write_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import CompareSettings, EvaluateSettings
from monoglot.settings_text import run_file
from monoglot.vectors.registry import get_engine


class ProbeProgress:
    """Shows which probe is running, and the time that is left."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress = total, progress
        self._begun, self._seconds = 0, list[float]()

    def probe(self, name: str, work: Callable[[], Artifact]) -> Artifact:
        """Run one probe; probes that were reused do not count for the estimated time."""
        self._begun += 1
        left = ""
        if self._seconds:
            minutes = mean(self._seconds) * (self._total - self._begun + 1) / 60
            left = f", about {minutes:.0f} min left"
        started = time.perf_counter()
        with self._progress.task(f"probe {self._begun} of {self._total}: {name}{left}"):
            artifact = work()
        if not artifact.reused:
            self._seconds.append(time.perf_counter() - started)
        return artifact


RETENTION = "retention"


@explains_keywords(settings=CompareSettings)
def compare(
    source: str | Path,
    corpus: Given,
    output: str | Path,
    settings: CompareSettings | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | bool = False,
) -> Comparison:
    """Compare initialization methods on one model and text, each after the same short training.

    All share tokenizer, auxiliary vectors, and the lines that are trained and scored on. Controls are
    added: subword, random rows, the source's own vocabulary trimmed to the same size, that vocabulary
    whole, and the original as it is. A run that was interrupted resumes where it stopped.

    Args:
        source: Folder or hub name of the model.
        corpus: Files, globs, folders or hub datasets with text of the target language.
        output: Folder to make: ``comparison.json``, ``curves.svg``, ``monoglot/report.html``, and what
            they were made from.
        settings: Everything else.
        overwrite: Whether to replace an output that an earlier run made; what has not changed is not done
            again, so that methods can be added.
        progress: Whether to show how far the work is, or where.

    Returns:
        The scoreboard.

    Raises:
        InputError: If something that was given can't be used; the message says how to fix it.
        Interrupted: If a signal ended it; the same call resumes from there.
    """
    settings, progress = settings or CompareSettings(), reporter(progress)
    inputs = list(inputs_of(corpus))
    shared = settings.of_probes()
    with limited_threads(shared.n_threads):
        check_processes(settings)
        check_device(settings.device)
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
        probe = AdaptPlan.of(shared, model)
        # One recipe for all variants: that of a new vocabulary, which most of them have.
        probe = replace(probe, training=filled(probe.settings, probe.training, new_share=1.0))
        measure = choose_measure(model, probe.settings)
        with Run.open(Path(output), overwrite) as run:
            context = VocabularyContext(
                run, model, text, shared, progress, method=get_method(shared.method), engine=engine
            )
            if context.probed_model and any(one.initializer.needs_vectors for one in chosen):
                context.probed_model.check()
            corpus_stage = read_corpus(context)
            scored = {HELDOUT: spread(lines_to_score(corpus_stage), settings.lines)} | scored
            probe_text, variants = build_variants(context, corpus_stage, chosen)
            runner = ProbeRunner(context, measure, scored, probe, probe_text)
            comparison = scoreboard(runner, variants, settings)
            comparison = replace(comparison, output=str(run.output))
            publish(context, comparison, settings, {"source": str(source), "corpus": inputs})
            return comparison


def spread(lines: Sequence[str], most: int) -> list[str]:
    """Choose lines at equal distances from a text."""
    places = np.linspace(0, len(lines) - 1, min(most, len(lines)))
    return [lines[place] for place in np.unique(places.astype(int))]


def scoreboard(runner: ProbeRunner, variants: Sequence[Variant], settings: CompareSettings) -> Comparison:
    """Score, train and rank all variants."""
    measure = runner.measure
    found = ranked(tuple(run_probes(runner, variants, settings.all_seeds)))
    pairs = differences(found, settings.seed)
    # That a teacher is no distance from itself is nothing to compare with.
    compared = [one for one in found if one.ends or not isinstance(measure, TeacherDistance)]
    return Comparison(
        source=runner.context.source.name,
        objective=str(runner.probe.settings.objective),
        measure=measure.label,
        probe_tokens=settings.probe_tokens,
        seeds=settings.all_seeds,
        lines=len(runner.texts[HELDOUT]),
        found=found,
        not_trained=skipped_controls(runner, variants),
        pairs=pairs,
        verdict=tuple(verdict(compared, pairs, measure.label, settings.seeds)),
    )


def run_probes(
    runner: ProbeRunner, variants: Sequence[Variant], seeds: Sequence[int]
) -> Iterator[VariantResult]:
    """Score and train all variants, seed by seed."""
    skipped = skipped_controls(runner, variants)
    progress = ProbeProgress((len(variants) - len(skipped)) * len(seeds), runner.context.progress)
    for variant in variants:
        drawn = dict.fromkeys(variant.drawn(seed) for seed in seeds)
        starts = [runner.start(variant, seed) for seed in (seeds if len(drawn) > 1 else seeds[:1])]
        figures, _ = read_scores(starts[0])
        scores = tuple(read_scores(start)[1] for start in starts)
        if variant.tokenizer is None or variant.name in skipped:
            name = variant.name if variant.tokenizer else ORIGINAL
            yield VariantResult(name, True, False, **figures, text_bytes=0, starts=scores)
        if variant.name in skipped:
            continue
        probes = [
            progress.probe(f"{variant.name}, seed {seed}", partial(runner.train, variant, seed))
            for seed in seeds
        ]
        yield VariantResult(
            variant.name,
            variant.is_control,
            variant.has_new_vocabulary,
            **figures,
            text_bytes=runner.bytes_read(variant),
            starts=scores,
            ends=tuple(read_scores(probe)[1] for probe in probes),
            curves=tuple(tuple(read_curve(probe, runner.measure.key)) for probe in probes),
        )


IS_TEACHER = "it is the model that the others are to match: its distance is 0, and stays so"
NOTHING_NEW = "the schedule new-rows trains rows that were not copied, and it has none"
NOTHING_COPIED = "the schedule keep-copied keeps rows that were copied, and it has none"


def skipped_controls(runner: ProbeRunner, variants: Sequence[Variant]) -> dict[str, str]:
    """Give the controls that are not trained, each with the reason."""
    schedule, reasons = runner.probe.training.recipe.schedule, {}
    for one in variants:
        if one.tokenizer is None and isinstance(runner.measure, TeacherDistance):
            reasons[one.name] = IS_TEACHER
        elif schedule == "new-rows" and not one.has_new_rows:
            reasons[one.name] = NOTHING_NEW
        elif schedule == "keep-copied" and one.rows is None:
            reasons[one.name] = NOTHING_COPIED
    return reasons


def publish(
    context: VocabularyContext,
    comparison: Comparison,
    settings: CompareSettings,
    names: Mapping[str, str | list[str]],
) -> None:
    """Write ``comparison.json``, ``curves.svg`` and the report, and publish the run.

    Args:
        context: The run.
        comparison: The scoreboard.
        settings: The settings of the run.
        names: What the user called the model and the corpus.
    """

    def compute(folder: Path) -> None:
        write_json(folder / LAYOUT.comparison, comparison.content)
        with atomic_write(folder / LAYOUT.curves) as file:
            file.write(Scoreboard(comparison.content).charts["curves"].svg)

    stages = {name: artifact.key for name, artifact in context.run.artifacts.items()}
    result = context.stage("comparison", compute, settings, **stages)
    hashes = {"corpus": context.corpus.fingerprint(), "source": context.source.key}
    run, progress = context.run, context.progress
    run.publish(
        result,
        description=Description(settings, hashes, settings.seed, names),
        config=run_file("compare", names, settings),
        finish=lambda folder: report_at_end(folder, run.output, None, progress),
    )
