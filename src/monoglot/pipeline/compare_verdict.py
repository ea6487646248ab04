"""What may be said of a comparison, and what not, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monoglot.evaluation.line_scores import Interval
from monoglot.pipeline.compare_result import Found, Pair


def verdict(found: Sequence[Found], pairs: Sequence[Pair], measure: str, n_seeds: int) -> Iterator[str]:
    """Say who is best, who can't be told from it, and how it stands to the controls.

    Args:
        found: All contestants, ranked.
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
    """How the best method stands to a control."""
    name = f"the {control}" if control.startswith("original") else control
    if not pair.difference.excludes_zero:
        return f"{best} and {name} can't be told apart ({_span(pair.difference)})."
    relation = "better" if pair.first == best else "worse"
    return f"{best} is {relation} than {name} by {_span(pair.difference)}."


def _span(interval: Interval) -> str:
    return f"{interval.value:.4f}, 95% between {interval.low:+.4f} and {interval.high:+.4f}"


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: ``a, b and c``."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
