"""The contest itself: one contestant after the other is scored and trained, seed by seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import mean

from monoglot.evaluation.line_scores import TeacherDistance
from monoglot.pipeline.compare_entrants import ORIGINAL
from monoglot.pipeline.compare_probe import Contestant, Laboratory, read_curve, read_scores
from monoglot.pipeline.compare_result import Found
from monoglot.progress import Progress
from monoglot.run import Artifact

IS_TEACHER = "it is the model that the others are to match: its distance is 0, and stays so"
NOTHING_COPIED = "the schedule keep-copied keeps rows that were copied, and it has none"
NOTHING_NEW = "the schedule new-rows trains rows that were not copied, and it has none"


def contest(
    laboratory: Laboratory, contestants: Sequence[Contestant], seeds: Sequence[int]
) -> Iterator[Found]:
    """Score and train one contestant after the other, seed by seed."""
    excused = excuses(laboratory, contestants)
    countdown = Countdown((len(contestants) - len(excused)) * len(seeds), laboratory.walk.progress)
    for contestant in contestants:
        drawn = dict.fromkeys(contestant.drawn(seed) for seed in seeds)
        starts = [laboratory.start(contestant, seed) for seed in (seeds if len(drawn) > 1 else seeds[:1])]
        figures, _ = read_scores(starts[0])
        scores = tuple(read_scores(start)[1] for start in starts)
        if contestant.tokenizer is None or contestant.name in excused:
            name = contestant.name if contestant.tokenizer else ORIGINAL
            yield Found(name, True, False, **figures, text_bytes=0, starts=scores)
        if contestant.name in excused:
            continue
        probes = [
            countdown.probe(f"{contestant.name}, seed {seed}", partial(laboratory.train, contestant, seed))
            for seed in seeds
        ]
        yield Found(
            contestant.name,
            contestant.is_control,
            contestant.has_new_vocabulary,
            **figures,
            text_bytes=laboratory.bytes_read(contestant),
            starts=scores,
            ends=tuple(read_scores(probe)[1] for probe in probes),
            curves=tuple(tuple(read_curve(probe, laboratory.measure.key)) for probe in probes),
        )


def excuses(laboratory: Laboratory, contestants: Sequence[Contestant]) -> dict[str, str]:
    """The controls that training would mean nothing for, each with the reason."""
    schedule, reasons = laboratory.probe.training.recipe.schedule, {}
    for one in contestants:
        if one.tokenizer is None and isinstance(laboratory.measure, TeacherDistance):
            reasons[one.name] = IS_TEACHER
        elif schedule == "new-rows" and not one.has_new_rows:
            reasons[one.name] = NOTHING_NEW
        elif schedule == "keep-copied" and one.rows is None:
            reasons[one.name] = NOTHING_COPIED
    return reasons


class Countdown:
    """Shows which probe is running, of how many, and how long they will all take."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress = total, progress
        self._begun, self._seconds = 0, list[float]()

    def probe(self, name: str, work: Callable[[], Artifact]) -> Artifact:
        """Run one probe; those that were done before say nothing of how long the others take."""
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
