"""How groups of target tokens divide by where their rows come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST_ROWS = 8


@dataclass(frozen=True)
class Crosstab:
    """Counts of tokens.

    Attributes:
        rows: Names of the groups, the largest first.
        columns: Names of what each group is divided into.
        counts: For each group a count for each column.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def crosstab(groups: Sequence[str], parts: Sequence[str], columns: Sequence[str]) -> Crosstab:
    """Count tokens by group and part; the smallest of many groups become one, named ``others``.

    Args:
        groups: The group of each token.
        parts: The part that each token belongs to, one of ``columns``.
        columns: All parts, in the order in which they are to be shown.
    """
    sizes = Counter(groups)
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    kept = ordered if len(ordered) <= MOST_ROWS else ordered[: MOST_ROWS - 1]
    known = set(kept)
    pairs = Counter(
        (group if group in known else "others", part) for group, part in zip(groups, parts, strict=True)
    )
    rows = [*kept, "others"] if len(kept) < len(ordered) else kept
    return Crosstab(
        tuple(rows), tuple(columns), tuple(tuple(pairs[row, column] for column in columns) for row in rows)
    )
