"""How good is a model beside the one that it was made from, on a few held-out lines?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import Int64
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.evaluation.bits_per_byte import LanguageSettings
from monoglot.evaluation.line_scores import (
    BitsPerByte,
    Interval,
    LineScores,
    Measure,
    TeacherDistance,
    paired_difference,
)
from monoglot.evaluation.settings import SCORED_WORDS
from monoglot.model.pooling import read_pooling, read_prefix
from monoglot.model.side_files import MODULES
from monoglot.model.source import Source
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.trim import exact_ids
from monoglot.tokenization.vocabulary import plain_backend

MOST_LINES = 100
"""Held-out lines that sentence vectors are compared on."""
MOST_BYTES = 4_000
"""Held-out text that a language model is scored on, which takes much longer."""
MOST_CHARACTERS = 200
"""Of longer lines the beginning is read: many lines say more than long ones."""
COSINE = "cosine"
NO_CHANGE = Interval(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class LineQuality:
    """The score of one line.

    Attributes:
        place: Which line of the held-out text it is, from 0.
        before: The original's score: cosine (1), or bits per byte.
        after: The new model's.
    """

    place: int
    before: float
    after: float


@dataclass(frozen=True)
class Quality:
    """A model beside its original on held-out lines.

    Attributes:
        measure: ``cosine`` (to the original's sentence vectors), or ``bits_per_byte``; empty if nothing was
            measured.
        lines: How many lines both models read.
        before: The original's score.
        after: The new model's.
        change: ``after`` less ``before``, with the 95% interval of a bootstrap over lines.
        worst: The lines on which the new model is furthest behind, the worst first.
        heldout: All held-out lines.
        as_before: How many of them are segmented into the same tokens, with the original's embeddings.
        skipped: Why nothing was measured, in a sentence; empty if something was.
    """

    measure: str = ""
    lines: int = 0
    before: float = 0.0
    after: float = 0.0
    change: Interval = NO_CHANGE
    worst: tuple[LineQuality, ...] = ()
    heldout: int = 0
    as_before: int = 0
    skipped: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` gave."""
        worst = tuple(LineQuality(**line) for line in content["worst"])
        return cls(**{**content, "change": Interval(**content["change"]), "worst": worst})


WORST = 5


def compare_quality(
    source: Source,
    made: tuple[PreTrainedModel, PreTrainedTokenizerFast],
    heldout: Sequence[str],
    *,
    seed: int,
    copy_of: Int64[np.ndarray, " target"] | None = None,
    progress: Progress = SILENT,
) -> Quality:
    """Score a model and its original on the same lines.

    Args:
        source: The original.
        made: What was made of it, and its tokenizer.
        heldout: All held-out lines, of which `held_out_places` chooses some.
        seed: Seed of the bootstrap.
        copy_of: The source id of which each token is a copy, -1 of others, where the model was shown to do
            what the original does on copied tokens: then sentence vectors of lines that have no others are
            not computed.
        progress: Where to show how far it is.

    Returns:
        All but ``as_before``.

    Raises:
        ModelError: If the model can't be scored, or there is no line; the message says why.
    """
    measure = measure_of(source)
    of_vectors = isinstance(measure, TeacherDistance)
    beginnings = [beginning(line) for line in heldout]
    places = held_out_places(beginnings, sentences=of_vectors)
    if not places:
        raise ModelError("there is no held-out text")
    lines = [beginnings[place] for place in places]
    before = perfect(len(lines)) if of_vectors else measure(source.model, source.tokenizer, lines)
    if isinstance(measure, TeacherDistance) and copy_of is not None:
        after = perfect(len(lines))
        both = source.tokenizer, made[1]
        changed = differing([measure.prefix + line for line in lines], *both, copy_of)
        if len(changed):
            some = measure(*made, [lines[place] for place in changed.tolist()], progress=progress)
            after.amounts[changed] = some.amounts
    else:
        after = measure(*made, lines, progress=progress)
    change = paired_difference(after.amounts[None], before.amounts[None], after.sizes, seed=seed)
    # Distances are small numbers near 0; people know cosines, near 1.
    sign, base = (-1.0, 1.0) if of_vectors else (1.0, 0.0)
    scores = [base + sign * each.amounts / each.sizes for each in (before, after)]
    order = np.argsort(-(after.amounts - before.amounts) / after.sizes, kind="stable")[:WORST]
    return Quality(
        COSINE if of_vectors else measure.key,
        len(lines),
        base + sign * before.mean,
        base + sign * after.mean,
        Interval(sign * change.value, *sorted((sign * change.low, sign * change.high))),
        tuple(LineQuality(places[i], float(scores[0][i]), float(scores[1][i])) for i in order.tolist()),
        len(heldout),
    )


def beginning(line: str) -> str:
    """Give the part of a line that is read, up to the end of a word if there are spaces."""
    if len(line) <= MOST_CHARACTERS:
        return line
    end = line.rfind(" ", 1, MOST_CHARACTERS)
    return line[: end if end > 0 else MOST_CHARACTERS]


def perfect(lines: int) -> LineScores:
    """The distances of a sentence encoder to itself."""
    return LineScores(np.zeros(lines), np.ones(lines))


def differing(
    texts: Sequence[str],
    source: PreTrainedTokenizerFast,
    target: PreTrainedTokenizerFast,
    copy_of: Int64[np.ndarray, " target"],
) -> Int64[np.ndarray, " differing"]:
    """Give the places of the texts that are not segmented into copies of the source's tokens for them."""
    pairs = zip(*(exact_ids(plain_backend(one), list(texts)) for one in (source, target)), strict=True)
    return np.flatnonzero([not np.array_equal(old, copy_of[new]) for old, new in pairs])


def measure_of(source: Source) -> Measure:
    """Choose the distance of sentence vectors, or bits per byte.

    Raises:
        ModelError: If the model is neither a sentence encoder nor a language model.
    """
    structure = source.checkpoint.structure
    if (source.folder / MODULES).is_file():
        prefixes = [read_prefix(source.folder), *(given.text for given in source.given_texts)]
        prefix = next((text for text in prefixes if text), "")

        def teacher() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
            return source.model, source.tokenizer

        return TeacherDistance(teacher, read_pooling(source.folder), prefix)
    if structure.get_output_embeddings() is None or structure.config.is_encoder_decoder:
        raise ModelError(
            f"{type(structure).__name__} is neither a causal or masked language model nor a "
            "sentence-transformers folder"
        )
    return BitsPerByte(LanguageSettings(word_share=SCORED_WORDS))


def held_out_places(heldout: Sequence[str], *, sentences: bool) -> tuple[int, ...]:
    """Choose the lines that are scored, spread evenly over the held-out text.

    Args:
        heldout: All lines.
        sentences: Whether sentence vectors are compared, for which more can be read in the same time.
    """
    lines = [place for place, line in enumerate(heldout) if line.strip()]
    most = min(MOST_LINES, len(lines))
    if not sentences:
        mean_bytes = sum(len(heldout[place].encode()) for place in lines) / max(1, len(lines))
        most = min(most, max(1, int(MOST_BYTES / max(1.0, mean_bytes))))
    # In the middle of equal parts: the first and last lines of a text are often unlike the others.
    return tuple(lines[(2 * part + 1) * len(lines) // (2 * most)] for part in range(most))
