"""`plan`: a dry run that inspects the model, tries vocabularies on a sample of the text, and advises."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.corpus import Corpus, Given, open_corpus
from monoglot.errors import CorpusError, ModelError, SettingError
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.given_text import unread_templates
from monoglot.model.positions import coupled_tables
from monoglot.model.source import Source, open_source
from monoglot.model.tables import TableKind, VocabularyTables, named_tensors, trained_rows
from monoglot.pipeline.advice import Advice, advise
from monoglot.pipeline.stages.corpus import warn_of_unknown_scripts
from monoglot.pipeline.stages.retained import find_kept
from monoglot.pipeline.stages.unused_tokens import find_unused_tokens
from monoglot.pipeline.step_zero import Measured, StepZero
from monoglot.progress import SILENT, Progress
from monoglot.report.summary import kept_words
from monoglot.settings import Settings
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer, with_kept_tokens
from monoglot.tokenization.graft import grafts
from monoglot.tokenization.parts import Role
from monoglot.tokenization.selection import RetainedText
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import id_rows, plain_backend
from monoglot.tokenization.word_counts import count_words

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inspection:
    """Properties of a source model.

    Attributes:
        architecture: Class of the model.
        family: Family of the tokenizer.
        roles: The token that serves each role.
        vocabulary: Tokens of the tokenizer.
        rows: Rows of the vocabulary-sized tables.
        parameters: Parameters, tied ones once.
        row_parameters: Parameters that one token more would add.
        tables: Each vocabulary-sized table, with its kind.
        hazards: What a careless change of the vocabulary would break.
    """

    architecture: str
    family: str
    roles: Mapping[str, str]
    vocabulary: int
    rows: int
    parameters: int
    row_parameters: int
    tables: Mapping[str, str]
    hazards: tuple[str, ...]

    def parameters_with(self, vocabulary: int) -> int:
        """Parameters of the model with another number of tokens."""
        return self.parameters + (vocabulary - self.rows) * self.row_parameters


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
    """

    name: str
    vocabulary: int
    parameters: int
    fertility: float
    relative_tokens: float
    new_share: float | None = None
    distance: float | None = None


@dataclass(frozen=True)
class Plan:
    """The options for a model, and the recommendation.

    Attributes:
        model: What was found in the model.
        corpus_bytes: Size of the text.
        sample_bytes: Size of the sample that the options were tried on.
        options: The source vocabulary as it is, then what could be done.
        measured: What the distance of each option is, or why none was measured.
        cost: Distance for each share of the tokens that a graft saves, by least squares through the origin;
            ``None`` where no graft was measured.
        kept: What is kept beside what the text asks for, in a sentence; empty if nothing is.
        advice: The recommendation.
    """

    model: Inspection
    corpus_bytes: int
    sample_bytes: int
    options: tuple[Option, ...]
    measured: str
    cost: float | None
    kept: str
    advice: Advice

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def plan(
    source: str,
    corpus: Given,
    *,
    keep_text: Sequence[str] = (),
    keep_tokens: str | None = None,
    column: str | None = None,
    trust_remote_code: bool = False,
    progress: Progress = SILENT,
) -> Plan:
    """Look at a model and try vocabularies on a sample of a corpus; nothing is written.

    Args:
        source: Folder or hub name of the model.
        corpus: Text of the target language.
        keep_text: Texts to keep, as ``specialize`` does.
        keep_tokens: File of tokens, or texts, to keep, one per line.
        column: The column that holds the text, where there are columns.
        trust_remote_code: Whether code that comes with the model may run.
        progress: Where to show how far it is.

    Raises:
        InputError: If something that was given can't be used.
    """
    model = open_source(source, trust_remote_code=trust_remote_code)
    text = open_corpus(corpus, column=column)
    kept = find_kept(model, keep_text, keep_tokens)
    for problem in unread_templates(model.folder):
        logger.warning("%s", problem)
    inspection = inspect(model)
    statistics = text.statistics(progress)
    sample = sampled(text, statistics.bytes)
    keep = kept.of(model)
    heldout = list(text.heldout_lines())
    warn_of_unknown_scripts(model.vocabulary, heldout)
    step_zero, measured = _step_zero(model, sample, heldout, progress)
    options = tuple(_options(model, inspection, keep, sample, heldout, step_zero, progress))
    advice = advise({option.name: option for option in options}, statistics.bytes)
    return Plan(
        inspection,
        statistics.bytes,
        sum(len(line.encode()) for line in sample),
        options,
        measured,
        _cost(options),
        kept_words(kept.as_dict(len(keep.token_ids(model.tokenizer)))),
        replace(advice, flags=" ".join([advice.flags, *_keep_flags(keep_text, keep_tokens)])),
    )


def inspect(source: Source) -> Inspection:
    """Inspect a model without changing it.

    Raises:
        InputError: If the model or its tokenizer can't be used.
    """
    model, vocabulary, tables = source.checkpoint.structure, source.vocabulary, source.checkpoint.tables
    tensors = named_tensors(model)
    parameters = {id(parameter): parameter.numel() for parameter in model.parameters()}
    own = [table for table in tables.tables if id(tensors[table.names[0]]) in parameters]
    return Inspection(
        architecture=type(model).__name__,
        family=str(vocabulary.family),
        roles={str(role): vocabulary.by_role[role].text for role in Role if role in vocabulary.by_role},
        vocabulary=len(vocabulary),
        rows=tables.rows,
        parameters=sum(parameters.values()),
        row_parameters=sum(tensors[table.names[0]].numel() for table in own) // tables.rows,
        tables={" = ".join(table.names): str(table.kind) for table in tables.tables},
        hazards=tuple(_hazards(source, tables)),
    )


def _hazards(source: Source, tables: VocabularyTables) -> Iterator[str]:
    """List what a careless change of the vocabulary would break."""
    model, vocabulary = source.checkpoint.structure, source.vocabulary
    if names := coupled_tables(model, frozenset(tables.axes)):
        yield f"positions are counted from the pad token's id ({', '.join(names)}): it must stay"
    if any(len(table.names) > 1 for table in tables.tables):
        yield "input embeddings and output head are one table, and have to stay one"
    if any(table.kind is TableKind.OUTPUT for table in tables.tables):
        yield "the output head is a table of its own, and needs rows of its own"
    if biases := [table.names[0] for table in tables.tables if table.kind is TableKind.BIAS]:
        yield f"each token has an output bias that has to move with it ({', '.join(biases)})"
    if tables.rows != vocabulary.size:
        yield f"the tables have {tables.rows:,} rows, the tokenizer has ids up to {vocabulary.size - 1:,}"
    untrained = int((~trained_rows(source.embeddings, vocabulary)).sum())
    if untrained:
        yield f"{untrained:,} rows were never trained, and must not shape new ones"
    if len(vocabulary) < vocabulary.size:
        gaps = vocabulary.size - len(np.unique(vocabulary.ids))
        yield f"{gaps:,} ids below the highest have no token"


SAMPLE_BYTES = 3_000_000
"""Text on which tokenizers are tried; a real run trains on all of it."""


def sampled(corpus: Corpus, corpus_bytes: int) -> list[str]:
    """Take every n-th training line, about ``SAMPLE_BYTES`` in all."""
    return list(islice(corpus.lines(), 0, None, max(1, round(corpus_bytes / SAMPLE_BYTES))))


def _step_zero(
    source: Source, sample: list[str], heldout: list[str], progress: Progress
) -> tuple[StepZero | None, str]:
    """Prepare the measurement before training, and say what it measures, or why there is none."""
    try:
        with progress.task("measuring the original"):
            step_zero = StepZero(source, sample, heldout)
    except ModelError as error:
        return None, f"The distance to the original before training was not measured: {error}."
    lines = f"{len(step_zero.lines):,} held-out lines"
    if step_zero.original:
        return (
            step_zero,
            f"Distance: {step_zero.label} above the original's {step_zero.original:.3f}, {lines}.",
        )
    return step_zero, f"Distance: {step_zero.label} (1 - cosine) before any training, {lines}."


def _cost(options: Sequence[Option]) -> float | None:
    """Fit distance = c × share saved over the grafts."""
    kept = next(option.relative_tokens for option in options if option.name in ("trim", "as it is"))
    points = [
        (kept - option.relative_tokens, option.distance)
        for option in options
        if option.name.startswith("graft") and option.distance is not None
    ]
    squares = sum(saved * saved for saved, _ in points)
    return sum(saved * distance for saved, distance in points) / squares if squares else None


SIZES = (8_000, 16_000, 32_000, 50_048, 100_000)


def _options(
    source: Source,
    model: Inspection,
    keep: RetainedText,
    sample: list[str],
    heldout: list[str],
    step_zero: StepZero | None,
    progress: Progress,
) -> Iterator[Option]:
    """Try each vocabulary on the sample."""
    before = score_tokenizer(source.tokenizer, heldout)

    def tried(name: str, tokenizer: PreTrainedTokenizerFast, found: Measured | None = None) -> Option:
        scores = score_tokenizer(tokenizer, heldout)
        size = id_rows(tokenizer.backend_tokenizer)
        relative = scores.tokens / max(1, before.tokens)
        figures = (found.new_share, found.distance) if found else (None, None)
        return Option(name, size, model.parameters_with(size), scores.fertility, relative, *figures)

    yield Option("as it is", model.vocabulary, model.parameters, before.fertility, 1.0, 0.0, 0.0)
    with progress.task("trying vocabularies", len(SIZES) + 3) as advance:
        counts = np.zeros(source.vocabulary.size, np.int64)
        for encoding in plain_backend(source.tokenizer).encode_batch_fast(sample, add_special_tokens=False):
            np.add.at(counts, encoding.ids, 1)
        unused = find_unused_tokens(source, Settings(), keep, counts)
        stay = unused.added_to(keep, source)
        trim = trim_tokenizer(source.tokenizer, counts, TrimSettings(), keep=stay)
        trimmed, kept_ids = trim.tokenizer, trim.kept_source_ids
        yield tried("trim", trimmed, step_zero(trimmed, kept_ids) if step_zero else None)
        advance(1)
        for added, tokenizer in _grafts(source, trimmed, keep, sample):
            found = step_zero(tokenizer, kept_ids) if step_zero else None
            yield tried(f"graft +{added:,}", tokenizer, found)
        advance(1)
        language = last = None
        for size in SIZES:
            try:
                language = train_tokenizer(source.tokenizer, sample, TokenizerSettings(size))
            except CorpusError:
                break  # the sample does not support so many tokens, nor more
            if (replaced := _replaced(source, language, keep)) is not None:
                if last is not None:
                    yield tried(*last)
                last = f"replace {size:,}", replaced
            advance(1)
        if last is not None:  # one replacement is measured, the largest: all are about as far
            yield tried(*last, step_zero(last[1]) if step_zero else None)
        if language is not None and (extended := _extended(source, language, keep)) is not None:
            yield tried(f"extend +{len(extended) - len(source.tokenizer):,}", extended)


NEW_TOKENS = (500, 1_000, 2_000, 5_000, 10_000, 20_000)


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


ADDED_TOKENS = 30_000


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


def _keep_flags(keep_text: Sequence[str], keep_tokens: str | None) -> Iterator[str]:
    """Give the options with which `specialize` retains the same texts."""
    if keep_text:
        yield shlex.join(["--keep-text", *keep_text])
    if keep_tokens:
        yield shlex.join(["--keep-tokens", keep_tokens])
