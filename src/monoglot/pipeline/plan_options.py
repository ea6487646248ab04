"""Which vocabularies does `plan` try, what do they save, and what do they cost before any training?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from jaxtyping import Int64
from transformers import PreTrainedTokenizerFast

from monoglot.errors import CorpusError, SettingError
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.source import Source
from monoglot.pipeline.stages.unused_tokens import find_unused_tokens
from monoglot.pipeline.step_zero import StepZero
from monoglot.progress import Progress
from monoglot.settings import MODE, Settings
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer, with_kept_tokens
from monoglot.tokenization.graft import grafts
from monoglot.tokenization.selection import RetainedText
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import Trimmed, TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import id_rows, plain_backend
from monoglot.tokenization.word_counts import count_words

SIZES = (8_000, 16_000, 32_000, 50_048, 100_000)
NEW_TOKENS = (500, 1_000, 2_000, 5_000, 10_000, 20_000)
ADDED_TOKENS = 30_000


@dataclass(frozen=True)
class Option:
    """One way to change the vocabulary, tried on the sample.

    Attributes:
        name: The mode, and the size where there are several.
        vocabulary: Tokens of the vocabulary.
        parameters: Parameters of the model with it.
        fertility: Tokens per word of held-out text.
        relative_tokens: Tokens of held-out text compared with the source tokenizer's: the work of the model's
            body goes with it.
        new_share: Share of the tokens of held-out text that the source does not have; ``None`` where the
            option was not measured.
        distance: How much worse than the original it is before any training, see `Plan.measured`; ``None``
            where it was not measured.
        margin: Half of the 95% interval of ``distance``, by which lines were measured (bootstrap).
        estimate: What the options measured let expect in its place; ``None`` where it was measured, or
            where they say nothing of it.
    """

    name: str
    vocabulary: int
    parameters: int
    fertility: float
    relative_tokens: float
    new_share: float | None = None
    distance: float | None = None
    margin: float | None = None
    estimate: float | None = None


@dataclass(frozen=True)
class Law:
    """What new tokens cost: a multiple of the tokens that they save, by least squares through the origin.

    Attributes:
        per_share: What is added to the distance of trim for each share of the tokens that grafts save.
        residual: How far the grafts are from it: the root of the mean square.
        grafts: How many grafts it was fitted to.
    """

    per_share: float
    residual: float
    grafts: int

    def __call__(self, saved: float) -> float:
        """What new tokens that save a share of the text add to the distance."""
        return self.per_share * saved


def fit_law(options: Sequence[Option]) -> Law | None:
    """Fit distance = that of trim + c × share saved over the grafts; ``None`` where none was measured.

    Trim is where a graft of no new tokens is: nearly the original by sentence vectors, but a language model
    has fewer tokens to choose from.
    """
    trim = before_grafts(options)
    points = [
        (trim.relative_tokens - option.relative_tokens, option.distance - trim.distance)
        for option in options
        if option.name.startswith("graft") and option.distance is not None and trim.distance is not None
    ]
    squares = sum(saved * saved for saved, _ in points)
    if not squares:
        return None
    per_share = sum(saved * distance for saved, distance in points) / squares
    errors = [(distance - per_share * saved) ** 2 for saved, distance in points]
    return Law(per_share, sqrt(sum(errors) / len(errors)), len(points))


def before_grafts(options: Sequence[Option]) -> Option:
    """Trim, which grafts add new tokens to."""
    return next(option for option in options if option.name == "trim")


def with_estimates(options: Sequence[Option], law: Law | None, *, of_vectors: bool) -> tuple[Option, ...]:
    """Estimate what was not measured: an extension by the law of grafts, replacements by the largest.

    Sentence vectors are nearly as far from the original's whatever the size of a replacement, since even
    small ones make much of the text anew; bits per byte are not (`benchmarks.plan` compares).

    Args:
        options: The vocabularies tried.
        law: What grafts cost.
        of_vectors: Whether distances are those of sentence vectors.
    """
    replacements = [option for option in options if option.name.startswith("replace")]
    largest = replacements[-1].distance if replacements and of_vectors else None

    def estimate(option: Option) -> float | None:
        if option.name.startswith("replace"):
            return largest
        return law(1 - option.relative_tokens) if law and option.name.startswith("extend") else None

    return tuple(
        replace(option, estimate=estimate(option)) if option.distance is None else option
        for option in options
    )


def try_options(
    source: Source,
    parameters_with: Callable[[int], int],
    keep: RetainedText,
    sample: list[str],
    heldout: list[str],
    step_zero: StepZero | None,
    progress: Progress,
    *,
    lowercase: bool = False,
    everything: bool = False,
) -> Iterator[Option]:
    """Try vocabularies on a sample of the text, and measure trim, each graft and the largest replacement.

    Args:
        source: The source model, which is not changed.
        parameters_with: Parameters of the model with a number of tokens.
        keep: What is kept whatever the text.
        sample: Text that the vocabularies are made from.
        heldout: Other lines of that text, to score them on.
        step_zero: Measures a vocabulary before any training; ``None`` if the model can't be measured.
        progress: Where to show how far it is.
        lowercase: Whether the model is given text in lower case only.
        everything: Whether to measure smaller replacements and the extension, too.
    """
    before = score_tokenizer(source.tokenizer, heldout)

    def tried(
        name: str,
        tokenizer: PreTrainedTokenizerFast,
        kept_source_ids: Int64[np.ndarray, " kept"] | None = None,
        *,
        mode: MODE,
        measured: bool = True,
    ) -> Option:
        scores = score_tokenizer(tokenizer, heldout)
        size = id_rows(tokenizer.backend_tokenizer)
        found = step_zero(tokenizer, kept_source_ids, mode=mode) if measured and step_zero else None
        option = Option(
            name, size, parameters_with(size), scores.fertility, scores.tokens / max(1, before.tokens)
        )
        if found is None:
            return option
        margin = (found.distance.high - found.distance.low) / 2
        return replace(option, new_share=found.new_share, distance=found.distance.value, margin=margin)

    rows = source.checkpoint.tables.rows
    yield Option("as it is", len(source.vocabulary), parameters_with(rows), before.fertility, 1.0, 0.0, 0.0)
    with progress.task("trying vocabularies", len(SIZES) + 3) as advance:
        trim = _trimmed(source, keep, sample, lowercase=lowercase)
        kept = trim.kept_source_ids
        yield tried("trim", trim.tokenizer, kept, mode="trim")
        advance(1)
        for added, tokenizer in _grafts(source, trim.tokenizer, keep, sample):
            yield tried(f"graft +{added:,}", tokenizer, kept, mode="graft")
        advance(1)
        language, replacements = None, {}
        for size in SIZES:
            try:
                language = train_tokenizer(source.tokenizer, sample, TokenizerSettings(size))
            except CorpusError:
                break  # the sample does not support so many tokens, nor more
            if (replaced := _replaced(source, language, keep)) is not None:
                replacements[f"replace {size:,}"] = replaced
            advance(1)
        for name, tokenizer in replacements.items():
            is_last = name == list(replacements)[-1]
            yield tried(name, tokenizer, mode="replace", measured=everything or is_last)
        if language is not None and (extended := _extended(source, language, keep)) is not None:
            added = len(extended) - len(source.tokenizer)
            yield tried(f"extend +{added:,}", extended, mode="extend", measured=everything)


def _trimmed(source: Source, keep: RetainedText, sample: list[str], *, lowercase: bool = False) -> Trimmed:
    """Keep the tokens that `specialize` would keep: those that the text uses, and what belongs to them."""
    counts = np.zeros(source.vocabulary.size, np.int64)
    for encoding in plain_backend(source.tokenizer).encode_batch_fast(sample, add_special_tokens=False):
        np.add.at(counts, encoding.ids, 1)
    unused = find_unused_tokens(source, Settings(), keep, counts, lowercase=lowercase)
    return trim_tokenizer(source.tokenizer, counts, TrimSettings(), keep=unused.added_to(keep, source))


def _grafts(
    source: Source, trimmed: PreTrainedTokenizerFast, keep: RetainedText, sample: list[str]
) -> Iterator[tuple[int, PreTrainedTokenizerFast]]:
    """Add numbers of new tokens to the trimmed tokenizer, as far as the sample supports them."""
    kept = trimmed.get_vocab()
    dropped = [text for text in source.tokenizer.get_vocab() if text not in kept]
    words = count_words(sample)
    made = grafts(trimmed, words, NEW_TOKENS, dropped=dropped, keep=keep)
    for result in sorted(made, key=lambda result: len(result.new)):
        yield len(result.new), result.tokenizer


def _replaced(
    source: Source, language: PreTrainedTokenizerFast, keep: RetainedText
) -> PreTrainedTokenizerFast | None:
    """Add retained tokens to the language's tokenizer; ``None`` if it has no room for them."""
    try:
        return with_kept_tokens(language, source.tokenizer, keep)
    except SettingError:
        return None


def _extended(
    source: Source, language: PreTrainedTokenizerFast, keep: RetainedText
) -> PreTrainedTokenizerFast | None:
    """Extend the source tokenizer by up to the usual number of tokens; ``None`` if there are too few."""
    added = ADDED_TOKENS
    while added >= 1_000:
        try:
            return extend_tokenizer(source.tokenizer, language, ExtendSettings(added), keep=keep)
        except SettingError:
            added //= 2
    return None
