"""What the report says of a chosen vocabulary: why tokens were kept, and what new ones save."""

from __future__ import annotations

from itertools import accumulate

from monoglot.reporting.chart import Chart
from monoglot.reporting.content import TextTable
from monoglot.reporting.figures.curve import curve
from monoglot.reporting.finished_run import FinishedRun
from monoglot.run.layout import LAYOUT
from monoglot.tokenization.kept_reasons import Reason

MOST_NEW = 20
"""New tokens listed, those that save most."""
MOST_POINTS = 200
"""Points of the curve; more can't be told apart."""


def kept_table(run: FinishedRun) -> TextTable | None:
    """How many source tokens were kept for each reason; ``None`` where that was not recorded."""
    counts = run.read(LAYOUT.kept).get("reasons", {})
    if not counts:
        return None
    words = {reason.name.lower(): reason.words for reason in Reason}
    return TextTable(("kept because", "tokens"), [(words[name], f"{n:,}") for name, n in counts.items()])


def new_tokens_table(run: FinishedRun) -> TextTable | None:
    """The new tokens that save most; ``None`` where there are none."""
    best = sorted(run.savings.items(), key=lambda item: -item[1][1])[:MOST_NEW]
    if not best:
        return None
    rows = [(text, f"{count:,}", f"{saved:,}") for text, (count, saved) in best]
    return TextTable(("new token", "times in the text", "tokens saved"), rows)


def saving_curve(run: FinishedRun) -> Chart | None:
    """Draw the share of the text's tokens that so many of the new tokens save, the best first."""
    total = run.read(LAYOUT.new_tokens).get("source_tokens", 0)
    saved = sorted((saved for _, saved in run.savings.values()), reverse=True)
    if not total or len(saved) < 2:
        return None
    sums = accumulate(saved, initial=0)
    points = [(float(n), 100 * tokens / total) for n, tokens in enumerate(sums)]
    shown = points[:: max(1, len(points) // MOST_POINTS)]
    shown += points[-1:] if shown[-1] != points[-1] else []
    name = "tokens saved, % of the text's"
    return curve("What new tokens save", name, shown, across="new tokens, the best first")
