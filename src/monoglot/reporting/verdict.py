"""The answer that a run begins with: size, tokens per word, and quality, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monoglot.evaluation.quality import COSINE, Quality
from monoglot.reporting.wording import millions, relative


@dataclass(frozen=True)
class Answer:
    """One line of the verdict.

    Attributes:
        name: What it is about.
        before: The original's figure; empty if it goes without saying.
        after: The new model's; empty if nothing was measured.
        change: The difference, or an interval.
        note: What the figure means, and on what it was measured.
        line: The same in one line of a terminal.
    """

    name: str
    before: str
    after: str
    change: str
    note: str
    line: str


def answers(
    parameters: tuple[int, int],
    tokens_per_word: tuple[float, float],
    quality: Quality | None,
    *,
    trained: bool,
) -> Iterator[Answer]:
    """Give the verdict.

    Args:
        parameters: Parameters before and after.
        tokens_per_word: Tokens per word of held-out text before and after; zeros if there is none.
        quality: The new model beside its original; ``None`` if an earlier version of monoglot made it.
        trained: Whether the model was trained after its vocabulary was changed.
    """
    yield _size(*parameters)
    if tokens_per_word[0]:
        yield _tokens(*tokens_per_word, quality, trained=trained)
    else:
        yield _unknown("tokens per word", "not compared: no line of the text was held out")
    yield quality_answer(quality, trained=trained)


def quality_answer(quality: Quality | None, *, trained: bool) -> Answer:
    """Give the line about quality; the arguments are those of `answers`."""
    if quality is None:
        return _unknown("quality", "not measured by the version of monoglot that made this model")
    if quality.skipped:
        return _unknown("quality", f"not measured: {quality.skipped}")
    return _quality(quality, "after training" if trained else "before any training")


def _unknown(name: str, why: str) -> Answer:
    return Answer(name, "", "", "", why, why)


def _size(before: int, after: int) -> Answer:
    old, new, change = millions(before), millions(after), relative(before, after)
    return Answer("size", old, new, change, "parameters", f"{old} → {new} parameters ({change})")


def _tokens(before: float, after: float, quality: Quality | None, *, trained: bool) -> Answer:
    note, short = "on held-out text", ""
    if quality is not None and quality.heldout:
        short = f"; {quality.as_before:,} of {quality.heldout:,} lines as before"
        what = "are segmented" if trained else "come out"
        note = (
            f"on held-out text, of which {quality.as_before:,} of {quality.heldout:,} lines "
            f"({quality.as_before / quality.heldout:.1%}) {what} as before"
        )
        note += "" if trained else ": the same tokens, with the same embeddings"
    old, new, change = f"{before:.3f}", f"{after:.3f}", relative(before, after)
    return Answer("tokens per word", old, new, change, note, f"{old} → {new} ({change}){short}")


def _quality(quality: Quality, when: str) -> Answer:
    where, change = f"{quality.lines:,} held-out lines, {when}", quality.change
    if quality.measure == COSINE:
        new = f"{quality.after:.4f}"
        ends = f"{quality.before + change.low:.4f} to {quality.before + change.high:.4f}"
        note = f"mean cosine to the original's sentence vectors (1 is the same) on {where}"
        line = f"cosine to the original {new} ({ends} at 95%)"
        return Answer("quality", "", new, f"95% interval {ends}", note, line)
    old, new = f"{quality.before:.3f}", f"{quality.after:.3f}"
    interval = f"{change.value:+.3f}, 95% interval {change.low:+.3f} to {change.high:+.3f}"
    interval = interval.replace("-", "−")
    note = f"bits per byte (lower is better) on {where}"
    short = f"{change.value:+.3f}, {change.low:+.3f} to {change.high:+.3f} at 95%".replace("-", "−")
    return Answer("quality", old, new, interval, note, f"{old} → {new} bits per byte ({short})")
