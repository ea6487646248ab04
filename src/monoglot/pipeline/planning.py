"""`plan`: a dry run that looks at the model and tries vocabularies on a sample of the text."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.corpus import Corpus, Given, open_corpus
from monoglot.errors import CorpusError, SettingError
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.given_text import unread_templates
from monoglot.model.source import Source, open_source
from monoglot.pipeline.advice import Advice, advise
from monoglot.pipeline.inspection import Inspection, inspect
from monoglot.pipeline.kept import find_kept, kept_words
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer, with_kept_tokens
from monoglot.tokenization.selection import KeptText
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import id_rows, plain_backend

logger = logging.getLogger(__name__)

SIZES = (8_000, 16_000, 32_000, 50_048, 100_000)
SAMPLE_BYTES = 3_000_000
"""Text on which tokenizers are tried; a real run trains on all of it."""
ADDED_TOKENS = 30_000


@dataclass(frozen=True)
class Option:
    """One way to change the vocabulary, as tried on the sample.

    Attributes:
        name: The mode, and the size where there are several.
        vocabulary: Tokens of the vocabulary.
        parameters: Parameters of the model with it.
        fertility: Tokens a word of held-out text.
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
    """What would be done to a model, and what is advised.

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
        keep_tokens: File of tokens, or texts, to keep, one a line.
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
    statistics = text.survey(progress)
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


def _keep_flags(keep_text: Sequence[str], keep_tokens: str | None) -> Iterator[str]:
    """How to ask `specialize` for the same texts."""
    if keep_text:
        yield shlex.join(["--keep-text", *keep_text])
    if keep_tokens:
        yield shlex.join(["--keep-tokens", keep_tokens])


def sampled(corpus: Corpus, corpus_bytes: int) -> list[str]:
    """Every so many-th training line, about ``SAMPLE_BYTES`` in all."""
    return list(islice(corpus.lines(), 0, None, max(1, round(corpus_bytes / SAMPLE_BYTES))))


def _options(
    source: Source,
    model: Inspection,
    keep: KeptText,
    sample: list[str],
    heldout: list[str],
    progress: Progress,
) -> Iterator[Option]:
    """Try one vocabulary after the other."""
    before = score_tokenizer(source.tokenizer, heldout)

    def tried(name: str, tokenizer: PreTrainedTokenizerFast) -> Option:
        scores = score_tokenizer(tokenizer, heldout)
        size = id_rows(tokenizer.backend_tokenizer)
        relative = scores.tokens / max(1, before.tokens)
        return Option(name, size, model.parameters_with(size), scores.fertility, relative)

    yield Option("as it is", model.vocabulary, model.parameters, before.fertility, 1.0)
    with progress.task("trying vocabularies", len(SIZES) + 2) as advance:
        counts = np.zeros(source.vocabulary.size, np.int64)
        for encoding in plain_backend(source.tokenizer).encode_batch_fast(sample, add_special_tokens=False):
            np.add.at(counts, encoding.ids, 1)
        yield tried("trim", trim_tokenizer(source.tokenizer, counts, TrimSettings(), keep=keep).tokenizer)
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


def _replaced(
    source: Source, language: PreTrainedTokenizerFast, keep: KeptText
) -> PreTrainedTokenizerFast | None:
    """The language's tokenizer with the tokens that are kept, if it has room for them."""
    try:
        return with_kept_tokens(language, source.tokenizer, keep)
    except SettingError:
        return None


def _extended(
    source: Source, language: PreTrainedTokenizerFast, keep: KeptText
) -> PreTrainedTokenizerFast | None:
    """The source tokenizer with as many tokens of the language's as there are, up to the usual number."""
    added = ADDED_TOKENS
    while added >= 1_000:
        try:
            return extend_tokenizer(source.tokenizer, language, ExtendSettings(added), keep=keep)
        except SettingError:
            added //= 2
    return None
