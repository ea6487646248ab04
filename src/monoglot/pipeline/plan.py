"""`plan`: a dry run that inspects the model, tries vocabularies on a sample of the text, and advises."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Protocol

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.corpus import Corpus, Given, open_corpus
from monoglot.errors import CorpusError, SettingError
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.given_text import unread_templates
from monoglot.model.positions import coupled_tables
from monoglot.model.source import Source, open_source
from monoglot.model.tables import TableKind, VocabularyTables, named_tensors, trained_rows
from monoglot.pipeline.stages.retained import find_kept
from monoglot.progress import SILENT, Progress
from monoglot.report.summary import kept_words
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer, with_kept_tokens
from monoglot.tokenization.graft import grafts
from monoglot.tokenization.parts import Role
from monoglot.tokenization.selection import RetainedText
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import id_rows, plain_backend
from monoglot.tokenization.word_counts import count_words

logger = logging.getLogger(__name__)


class Candidate(Protocol):
    """The figures of an option that the advice looks at."""

    @property
    def vocabulary(self) -> int: ...  # noqa: D102 - as in Option
    @property
    def relative_tokens(self) -> float: ...  # noqa: D102 - as in Option


@dataclass(frozen=True)
class Advice:
    """A recommendation with its reason.

    Attributes:
        option: Name of the option.
        reason: Why, in one sentence.
        flags: How to ask `specialize` for it.
    """

    option: str
    reason: str
    flags: str


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
    """

    name: str
    vocabulary: int
    parameters: int
    fertility: float
    relative_tokens: float


@dataclass(frozen=True)
class Plan:
    """The options for a model, and the recommendation.

    Attributes:
        model: What was found in the model.
        corpus_bytes: Size of the text.
        sample_bytes: Size of the sample that the options were tried on.
        options: The source vocabulary as it is, then what could be done.
        kept: What is kept beside what the text asks for, in a sentence; empty if nothing is.
        advice: The recommendation.
    """

    model: Inspection
    corpus_bytes: int
    sample_bytes: int
    options: tuple[Option, ...]
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
    options = tuple(_options(model, inspection, keep, sample, list(text.heldout_lines()), progress))
    advice = advise({option.name: option for option in options}, statistics.bytes)
    return Plan(
        inspection,
        statistics.bytes,
        sum(len(line.encode()) for line in sample),
        options,
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


SIZES = (8_000, 16_000, 32_000, 50_048, 100_000)


def _options(
    source: Source,
    model: Inspection,
    keep: RetainedText,
    sample: list[str],
    heldout: list[str],
    progress: Progress,
) -> Iterator[Option]:
    """Try each vocabulary on the sample."""
    before = score_tokenizer(source.tokenizer, heldout)

    def tried(name: str, tokenizer: PreTrainedTokenizerFast) -> Option:
        scores = score_tokenizer(tokenizer, heldout)
        size = id_rows(tokenizer.backend_tokenizer)
        relative = scores.tokens / max(1, before.tokens)
        return Option(name, size, model.parameters_with(size), scores.fertility, relative)

    yield Option("as it is", model.vocabulary, model.parameters, before.fertility, 1.0)
    with progress.task("trying vocabularies", len(SIZES) + 3) as advance:
        counts = np.zeros(source.vocabulary.size, np.int64)
        for encoding in plain_backend(source.tokenizer).encode_batch_fast(sample, add_special_tokens=False):
            np.add.at(counts, encoding.ids, 1)
        trimmed = trim_tokenizer(source.tokenizer, counts, TrimSettings(), keep=keep).tokenizer
        yield tried("trim", trimmed)
        advance(1)
        for added, tokenizer in _grafts(source, trimmed, keep, sample):
            yield tried(f"graft +{added:,}", tokenizer)
        advance(1)
        language = None
        for size in SIZES:
            try:
                language = train_tokenizer(source.tokenizer, sample, TokenizerSettings(size))
            except CorpusError:
                break  # the sample does not support so many tokens, nor more
            if (replaced := _replaced(source, language, keep)) is not None:
                yield tried(f"replace {size:,}", replaced)
            advance(1)
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


WORTHWHILE = 0.9
"""A new vocabulary should save at least a tenth of the tokens."""
ENOUGH_BYTES = 20_000_000
"""About 5 million tokens. With less text, a replaced vocabulary can end up behind the original one."""
GOOD_ENOUGH = 1.03
"""A smaller vocabulary is preferred if it needs no more tokens than this, compared with the best."""


WORTH_A_GRAFT = 0.02
"""New tokens should save at least this share of the text's tokens."""
LEAST_SAVED_BY_EACH = 1e-5
"""A larger graft is advised as long as each further token saves this share of the tokens; as
`monoglot.tokenization.graft.LEAST_SAVED`, but measured on held-out text."""


def advise(options: Mapping[str, Candidate], corpus_bytes: int) -> Advice:
    """Choose among options by a few rules.

    A graft is advised if its new tokens save a part of the text: most of the text is in tokens that are as
    they were, so that little or no training is needed. Else a trimmed model is, which does exactly what the
    original does, unless a vocabulary of the language's own would save a good part of the tokens, and there
    is enough text to train the embeddings.

    Args:
        options: The options tried, by name; ``trim`` is always among them.
        corpus_bytes: Size of the whole corpus.
    """
    trim = Advice("trim", "", "--mode trim")
    if (graft := _best_graft(options)) is not None:
        return graft
    replacing = {name: option for name, option in options.items() if name.startswith("replace")}
    if not replacing:
        return Advice(trim.option, "the text is too small to train a vocabulary on", trim.flags)
    best = min(option.relative_tokens for option in replacing.values())
    saved = f"a vocabulary of the language's own would save {max(0.0, 1 - best):.0%} of the tokens"
    if best > WORTHWHILE:
        return Advice(trim.option, f"{saved}: not worth training new embeddings for", trim.flags)
    if corpus_bytes < ENOUGH_BYTES:
        reason = f"{saved}, but {corpus_bytes / 1e6:.1f} MB of text are little to train new embeddings with"
        return Advice(trim.option, reason, trim.flags)
    name, option = next(
        (name, option) for name, option in replacing.items() if option.relative_tokens <= GOOD_ENOUGH * best
    )
    flags = f"--mode replace --vocabulary-size {option.vocabulary}"
    return Advice(name, f"{saved}, and there is enough text to train the new embeddings", flags)


def _best_graft(options: Mapping[str, Candidate]) -> Advice | None:
    """Give the largest graft each of whose further tokens pays; ``None`` if none saves enough."""
    trimmed = options["trim"]
    chosen, before = None, trimmed
    grafts = [(name, option) for name, option in options.items() if name.startswith("graft")]
    for name, option in sorted(grafts, key=lambda named: named[1].vocabulary):
        added = option.vocabulary - before.vocabulary
        if before.relative_tokens - option.relative_tokens < LEAST_SAVED_BY_EACH * added:
            break
        chosen, before = name, option
    saved = trimmed.relative_tokens - before.relative_tokens
    if chosen is None or saved < WORTH_A_GRAFT:
        return None
    added = before.vocabulary - trimmed.vocabulary
    reason = (
        f"{added:,} new tokens save {saved:.1%} of the tokens, and all other text stays in tokens that the "
        "model knows; a larger graft would add more parameters than it saves tokens"
    )
    return Advice(chosen, reason, f"--mode graft --new-tokens {added}")


def _keep_flags(keep_text: Sequence[str], keep_tokens: str | None) -> Iterator[str]:
    """Give the options with which `specialize` retains the same texts."""
    if keep_text:
        yield shlex.join(["--keep-text", *keep_text])
    if keep_tokens:
        yield shlex.join(["--keep-tokens", keep_tokens])
