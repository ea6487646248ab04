"""Scores of each line that models with different vocabularies share, and paired differences of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from jaxtyping import Float32, Float64
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.evaluation.bits_per_byte import LanguageSettings, score_language
from monoglot.evaluation.sentences import embed
from monoglot.model.pooling import Pooling, cosines
from monoglot.progress import SILENT, Progress


@dataclass(frozen=True)
class Interval:
    """A figure with its 95% interval (percentile bootstrap).

    Attributes:
        value: The figure.
        low: Lower end of the interval.
        high: Its upper end.
    """

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class LineScores:
    """A figure that is a sum over lines, divided by the sum of their sizes.

    Attributes:
        amounts: Amount of each line: its bits, or its distance.
        sizes: What it is divided by: bytes of each line, or ones.
    """

    amounts: Float64[np.ndarray, " lines"]
    sizes: Float64[np.ndarray, " lines"]

    @property
    def mean(self) -> float:
        """The figure of the whole text."""
        return float(self.amounts.sum() / self.sizes.sum())

    def to_dict(self) -> dict[str, list[float]]:
        """Plain values, for JSON."""
        return {"amounts": self.amounts.tolist(), "sizes": self.sizes.tolist()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Read what ``to_dict`` gave."""
        return cls(*(np.array(content[name], np.float64) for name in ("amounts", "sizes")))


class Measure(Protocol):
    """A score that models with any vocabulary can be compared by; lower is better."""

    key: ClassVar[str]
    """Its name in files."""
    label: ClassVar[str]
    """Its name for people."""

    @property
    def settings(self) -> object:
        """All that decides it, besides model, tokenizer and lines."""
        ...

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        lines: Sequence[str],
        *,
        progress: Progress = SILENT,
    ) -> LineScores:
        """Score a model on lines of text."""
        ...


@dataclass(frozen=True)
class BitsPerByte:
    """Bits per byte of a language model, line by line (see `score_language`).

    Attributes:
        settings: How it is scored.
    """

    key: ClassVar[str] = "bits_per_byte"
    label: ClassVar[str] = "bits per byte"
    settings: LanguageSettings

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        lines: Sequence[str],
        *,
        progress: Progress = SILENT,
    ) -> LineScores:
        """Bits of each line, and its bytes."""
        score = score_language(model, tokenizer, lines, self.settings, progress=progress)
        return LineScores(score.line_bits, score.line_bytes.astype(np.float64))


class TeacherDistance:
    """Distance of sentence vectors to those of the original model, 1 minus the cosine, line by line."""

    key: ClassVar[str] = "distance_to_teacher"
    label: ClassVar[str] = "distance to the original's vectors"

    def __init__(
        self,
        teacher: Callable[[], tuple[PreTrainedModel, PreTrainedTokenizerFast]],
        pooling: Pooling,
        prefix: str,
    ) -> None:
        """Say what to compare with.

        Args:
            teacher: Gives the original model; it is loaded when its vectors are first wanted, and not kept.
            pooling: How the states of a text become one vector, of either model.
            prefix: Put before each line.
        """
        self._teacher, self.pooling, self.prefix = teacher, pooling, prefix
        self._known: dict[tuple[str, ...], Float32[np.ndarray, "lines dim"]] = {}

    @property
    def settings(self) -> dict[str, str]:
        """How sentence vectors are made."""
        return {"pooling": self.pooling.value, "prefix": self.prefix}

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        lines: Sequence[str],
        *,
        progress: Progress = SILENT,
    ) -> LineScores:
        """Distance of each line; the original's vectors are computed once."""
        text = tuple(lines)
        if text not in self._known:
            self._known[text] = self._vectors(*self._teacher(), text, progress)
        found = self._vectors(model, tokenizer, text, progress)
        found = cosines(found, self._known[text])
        return LineScores(1 - found.astype(np.float64), np.ones(len(text)))

    def _vectors(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        lines: Sequence[str],
        progress: Progress,
    ) -> Float32[np.ndarray, "lines dim"]:
        return embed(model, tokenizer, lines, pooling=self.pooling, prefix=self.prefix, progress=progress)


RESAMPLES = 2000
BLOCK_LINES = 1 << 18
"""How many drawn lines are held at once: all resamples of a long text would be gigabytes."""
LEVEL = 0.95


def paired_difference(
    first: Float64[np.ndarray, "runs lines"],
    second: Float64[np.ndarray, "runs_or_one lines"],
    sizes: Float64[np.ndarray, " lines"],
    *,
    seed: int,
) -> Interval:
    """Compute the mean difference of two models over a text, with a bootstrap interval.

    What is drawn again and again, with replacement, are lines and runs (Koehn 2004 for the lines; runs of one
    seed saw the same text in the same order, so that they are drawn as pairs too). A line counts by its size,
    as in bits per byte of the whole text. With one run of each, the interval says nothing of other seeds;
    with few, it is too narrow for what they add, by a factor of about √((runs - 1) / runs).

    Args:
        first: Amount of each line, bits say, in each run of the one model.
        second: The same of the other, run by run with the same seeds, or one run that stands for all.
        sizes: What amounts are divided by: bytes of each line, or ones.
        seed: Seed of the draws.

    Returns:
        Amount of the first less that of the second, per unit of size.

    Raises:
        ValueError: If the two don't have the same lines, or neither the same runs nor one run.
    """
    if first.shape[1:] != second.shape[1:] or first.shape[1:] != sizes.shape:
        raise ValueError(f"not the same lines: {first.shape[1]}, {second.shape[1]} and {len(sizes)}")
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise ValueError(f"{len(first)} and {len(second)} runs can't be paired: expected the same seeds")
    differences = first - second
    rng = np.random.default_rng(seed)
    n_runs, n_lines = differences.shape
    by_run, total = np.empty((RESAMPLES, n_runs)), np.empty(RESAMPLES)
    block = max(1, BLOCK_LINES // n_lines)
    for start in range(0, RESAMPLES, block):
        lines = rng.integers(n_lines, size=(min(block, RESAMPLES - start), n_lines))
        by_run[start : start + block] = np.stack([run[lines].sum(axis=1) for run in differences], axis=1)
        total[start : start + block] = sizes[lines].sum(axis=1)
    runs = rng.integers(n_runs, size=(RESAMPLES, n_runs))
    resampled = np.take_along_axis(by_run, runs, axis=1).mean(axis=1) / total
    low, high = np.quantile(resampled, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(differences.mean(axis=0).sum() / sizes.sum()), float(low), float(high))
