"""What a comparison found: figures over seeds, ranks, differences, and the verdict in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import mean, stdev
from typing import Any, Self

import numpy as np
from jaxtyping import Float64

from monoglot.evaluation.line_scores import Interval, LineScores, paired_difference
from monoglot.pipeline.compare.probe import Scores
from monoglot.reporting.scoreboard import HELDOUT
from monoglot.reporting.wording import counted, listed
from monoglot.result import Highlight, Result, Row

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Figure:
    """A figure over seeds: mean, standard deviation, values.

    Attributes:
        mean: Its mean.
        std: Its standard deviation (n - 1); ``None`` of one value.
        values: That of each seed, or the one that they share.
    """

    mean: float
    std: float | None
    values: tuple[float, ...]

    @classmethod
    def of(cls, scores: Sequence[LineScores]) -> Self:
        """The figure of one text over runs."""
        values = tuple(one.mean for one in scores)
        return cls(mean(values), stdev(values) if len(values) > 1 else None, values)


@dataclass(frozen=True)
class VariantResult:
    """Everything that was measured of one variant.

    Attributes:
        name: Its name.
        is_control: Whether it is there to be compared with.
        has_new_vocabulary: Whether it has the vocabulary that the methods share.
        vocabulary: Its tokens.
        parameters: Its parameters.
        text_bytes: Bytes of text that a probe read, the same again counted again.
        starts: Scores before training: one for all seeds, or one for each.
        ends: Scores after it, by seed; none if it is not trained.
        curves: Tokens and figure through each training.
    """

    name: str
    is_control: bool
    has_new_vocabulary: bool
    vocabulary: int
    parameters: int
    text_bytes: int
    starts: tuple[Scores, ...]
    ends: tuple[Scores, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def last(self) -> tuple[Scores, ...]:
        """Its final scores: after training, if it was trained."""
        return self.ends or self.starts

    @property
    def score(self) -> float:
        """The figure that it is ranked by."""
        return Figure.of([one[HELDOUT] for one in self.last]).mean

    @property
    def amounts(self) -> Float64[np.ndarray, "runs lines"]:
        """Final amount of each held-out line in each run."""
        return np.stack([one[HELDOUT].amounts for one in self.last])

    @property
    def sizes(self) -> Float64[np.ndarray, " lines"]:
        """Sizes of the held-out lines."""
        return self.starts[0][HELDOUT].sizes


@dataclass(frozen=True)
class Pair:
    """The difference between two variants after training.

    Attributes:
        first: The one with the better figure.
        second: The other.
        difference: By how much the second is worse.
    """

    first: str
    second: str
    difference: Interval


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Result of a comparison.

    Attributes:
        source: The original model.
        objective: What the probes learned.
        measure: What all are scored by, for people; lower is better.
        probe_tokens: Tokens of a probe.
        seeds: Seeds of the probes.
        lines: Held-out lines that were scored.
        found: All variants: those who were trained by rank, then those who were not.
        not_trained: Controls that training means nothing for, each with the reason.
        pairs: Differences of all pairs.
        verdict: What may be said, a sentence each.
        output: The folder that was made; ``monoglot/report.html`` in it shows all of this.
    """

    source: str
    objective: str
    measure: str
    probe_tokens: int
    seeds: tuple[int, ...]
    lines: int
    found: tuple[VariantResult, ...]
    not_trained: dict[str, str]
    pairs: tuple[Pair, ...]
    verdict: tuple[str, ...]
    output: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: what ``comparison.json`` says, and where it is."""
        return {"output": self.output, **self.content}

    @property
    def content(self) -> dict[str, Any]:
        """What ``comparison.json`` says; the scores of single lines are in the folders of the stages."""
        ranks = iter(range(1, len(self.found) + 1))
        return {
            "source": self.source,
            "objective": self.objective,
            "measure": self.measure,
            "probe_tokens": self.probe_tokens,
            "seeds": list(self.seeds),
            "lines": self.lines,
            "contestants": [
                {
                    "rank": next(ranks) if one.ends else None,
                    "name": one.name,
                    "control": one.is_control,
                    "new_vocabulary": one.has_new_vocabulary,
                    "vocabulary": one.vocabulary,
                    "parameters": one.parameters,
                    "probe_text_bytes": one.text_bytes if one.ends else None,
                    "start": figures(one.starts),
                    "end": figures(one.ends),
                    "curves": [[list(point) for point in curve] for curve in one.curves],
                }
                for one in self.found
            ],
            "not_trained": self.not_trained,
            "differences": [
                {"better": pair.first, "worse": pair.second, **asdict(pair.difference)}
                | {"told_apart": pair.difference.excludes_zero}
                for pair in self.pairs
            ],
            "verdict": list(self.verdict),
        }

    def highlights(self) -> Iterator[Highlight]:
        """Give what was measured, each variant before and after, and what may be said."""
        yield "output", self.output
        length = (
            f"{self.probe_tokens:,} tokens, {counted(len(self.seeds), 'seed')}, {self.lines} held-out lines"
        )
        yield "measure", f"{self.measure}, lower is better ({self.objective}, {length})"
        for one in self.found:
            start = Figure.of([run[HELDOUT] for run in one.starts]).mean
            yield one.name, f"{start:.4f} → {one.score:.4f}" if one.ends else f"{start:.4f}, not trained"
        for sentence in self.verdict:
            yield "verdict", sentence

    def rows(self) -> list[Row]:
        """Give the scoreboard: a row for each variant and text, means over seeds."""
        ranks = [rank if one.ends else None for rank, one in enumerate(self.found, start=1)]
        texts = list(self.found[0].starts[0])
        return [
            _compared(one, rank, text) for one, rank in zip(self.found, ranks, strict=True) for text in texts
        ]


def _compared(one: VariantResult, rank: int | None, text: str) -> Row:
    """One row of `Comparison.rows`."""
    before, after = (
        Figure.of([run[text] for run in runs]) if runs else None for runs in (one.starts, one.ends)
    )
    return {
        "rank": rank,
        "name": one.name,
        "control": one.is_control,
        "text": text,
        "before": before.mean if before else None,
        "after": after.mean if after else None,
        "after_std": after.std if after else None,
        "vocabulary": one.vocabulary,
        "parameters": one.parameters,
    }


def figures(runs: Sequence[Scores]) -> dict[str, Any]:
    """Give the figure on each text over runs as plain values."""
    return {name: asdict(Figure.of([run[name] for run in runs])) for name in (runs[0] if runs else ())}


def ranked(found: Sequence[VariantResult]) -> tuple[VariantResult, ...]:
    """Sort variants: trained ones by their final score, then those that were not trained."""
    return tuple(sorted(found, key=lambda one: (not one.ends, one.score)))


def differences(found: Sequence[VariantResult], seed: int) -> tuple[Pair, ...]:
    """Compute the differences of all pairs, each with the better variant first."""
    in_order = sorted(found, key=lambda one: one.score)
    return tuple(
        Pair(
            better.name,
            worse.name,
            paired_difference(worse.amounts, better.amounts, better.sizes, seed=seed),
        )
        for better, worse in combinations(in_order, 2)
    )


def verdict(
    found: Sequence[VariantResult], pairs: Sequence[Pair], measure: str, n_seeds: int
) -> Iterator[str]:
    """State which method is best, which can't be told from it, and how it compares with the controls.

    Args:
        found: All variants, ranked.
        pairs: Their differences.
        measure: What they were scored by.
        n_seeds: How many trainings each had.
    """
    known = {frozenset((pair.first, pair.second)): pair for pair in pairs}
    best, *others = [one.name for one in found if one.has_new_vocabulary]
    gaps = {name: known[frozenset((best, name))].difference for name in others}
    equals = [name for name, gap in gaps.items() if not gap.excludes_zero]
    beaten = [name for name in others if name not in equals]
    if equals:
        spans = "; ".join(f"{name} {_span(gaps[name])}" for name in equals)
        yield f"{listed([best, *equals])} can't be told apart (behind {best}, in {measure}: {spans})."
    if beaten:
        nearest = min(beaten, key=lambda name: gaps[name].value)
        rest = f"; {nearest} is nearest" if len(beaten) > 1 else ""
        yield f"{best} is better than {listed(beaten)}{rest}, behind by {_span(gaps[nearest])}."
    for one in found:
        if not one.has_new_vocabulary:
            yield _against(one.name, best, known[frozenset((best, one.name))])
    if n_seeds == 1:
        yield "There was one seed: the intervals do not say what another order of the text would change."


def _against(control: str, best: str, pair: Pair) -> str:
    """Compare the best method with a control."""
    name = f"the {control}" if control.startswith("original") else control
    if not pair.difference.excludes_zero:
        return f"{best} and {name} can't be told apart ({_span(pair.difference)})."
    relation = "better" if pair.first == best else "worse"
    return f"{best} is {relation} than {name} by {_span(pair.difference)}."


def _span(interval: Interval) -> str:
    return f"{interval.value:.4f}, 95% between {interval.low:+.4f} and {interval.high:+.4f}"
