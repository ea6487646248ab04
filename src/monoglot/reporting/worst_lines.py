"""The held-out lines on which a new model is furthest behind its original."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast

from monoglot.evaluation.quality import COSINE, LineQuality, Quality, beginning
from monoglot.reporting.content import WorstLine
from monoglot.reporting.tokens import Example, cut


def worst_lines(
    quality: Quality | None,
    heldout: Sequence[str],
    source: PreTrainedTokenizerFast | None,
    target: PreTrainedTokenizerFast,
) -> list[WorstLine]:
    """Segment the worst lines by both tokenizers.

    Args:
        quality: What was measured, if anything was.
        heldout: All held-out lines.
        source: The source tokenizer, if it is available.
        target: The target tokenizer.
    """
    if quality is None:
        return []
    # A user may have emptied the file of held-out text.
    lines = [line for line in quality.worst if line.place < len(heldout) and line.before != line.after]
    texts = [beginning(heldout[line.place]) for line in lines]
    after = cut(target, texts)
    before = cut(source, texts) if source is not None else [None] * len(texts)
    pairs = zip(lines, before, after, strict=True)
    return [WorstLine(_score(quality.measure, line), Example(old, new)) for line, old, new in pairs]


def _score(measure: str, line: LineQuality) -> str:
    if measure == COSINE:
        return f"cosine {line.after:.3f}"
    return f"{line.before:.2f} → {line.after:.2f} bits per byte"
