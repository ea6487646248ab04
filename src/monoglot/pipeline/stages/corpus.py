"""Stages that read the corpus: statistics, held-out lines, tokens and their counts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.corpus import CorpusStatistics, TextSource
from monoglot.errors import CorpusError
from monoglot.model.source import Source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.stages.context import RunContext, VocabularyContext
from monoglot.run import Artifact, atomic_write, read_json, write_json
from monoglot.run.layout import LAYOUT
from monoglot.tokenization.encoding import TokenizedCorpus, count_tokens, encode_corpus
from monoglot.tokenization.known_language import letters_per_token, shared_tokens
from monoglot.tokenization.scripts import unknown_scripts

logger = logging.getLogger(__name__)

FEW_LINES = 200
"""With fewer held-out lines, the first lines of the corpus are looked at, too."""


def read_corpus(context: RunContext) -> Artifact:
    """Count the corpus and set text aside: ``corpus.json``, ``heldout.txt``."""

    def compute(folder: Path) -> None:
        statistics = context.corpus.statistics(context.progress)
        if context.corpus.repeated_lines:
            logger.warning(
                "%s lines of the corpus are also in the held-out text, and are left out of the corpus",
                f"{context.corpus.repeated_lines:,}",
            )
        content = {"fingerprint": context.corpus.fingerprint(), "statistics": asdict(statistics)}
        write_json(folder / LAYOUT.corpus.name, content)
        with atomic_write(folder / LAYOUT.heldout.name) as file:
            file.writelines(f"{line}\n" for line in context.corpus.heldout_lines())

    artifact = context.stage("corpus", compute, corpus=context.corpus.fingerprint())
    statistics = read_json(artifact.folder / LAYOUT.corpus.name)["statistics"]
    context.corpus.remember(CorpusStatistics(**statistics))
    lines = heldout_lines(artifact)
    if len(lines) < FEW_LINES:
        lines += islice(context.corpus.lines(), FEW_LINES)
    warn_of_language(context.source, lines)
    return artifact


def warn_of_language(source: Source, lines: Sequence[str]) -> None:
    """Say where a text is in a language or script that a model seems not to know."""
    unknown = unknown_scripts(source.vocabulary, lines)
    for script, share in unknown.items():
        logger.warning(
            "%.0f%% of the text's letters are %s, and no token of the source has any of them: it reads them "
            "as bytes or as unknown, and has no embeddings to mix new tokens from; choose a source model "
            "that was trained on this script",
            100 * share,
            script,
        )
    found = letters_per_token(source.tokenizer, lines)
    if found is not None and not found.is_known and found.script not in unknown:
        logger.warning(
            "the source's tokens have %.2f letters each in this text; in %s languages that a model was "
            "trained on they have %.2f or more: it seems to know little of this language, so its tokens say "
            "little about what words mean; choose a model that was trained on it, or plan for much training",
            found.letters, found.script, found.least,
        )  # fmt: skip
    own = source.folder / LAYOUT.home / LAYOUT.heldout
    if own.is_file():
        shared = shared_tokens(source.tokenizer, own.read_text(encoding="utf-8").split("\n")[:-1], lines)
        if shared is not None and not shared.is_same_language:
            logger.warning(
                "%.0f%% of this text's tokens occur in the text that the model was made for, against %.0f%% "
                "between two halves of that text: the text seems to be in another language; is it the "
                "right one?",
                100 * shared.share,
                100 * shared.within,
            )


def heldout_lines(corpus_stage: Artifact) -> list[str]:
    """Read the held-out lines."""
    return (corpus_stage.folder / LAYOUT.heldout.name).read_text(encoding="utf-8").split("\n")[:-1]


def lines_to_score(corpus_stage: Artifact) -> list[str]:
    """Read the held-out lines where there must be some.

    Raises:
        CorpusError: If there are none.
    """
    lines = heldout_lines(corpus_stage)
    if not lines:
        raise CorpusError(
            "the text has only one line, so none can be held out to score on: give more text, "
            "or --heldout TEXT"
        )
    return lines


def tokenize_corpus(
    context: RunContext, corpus_stage: Artifact, tokenizer: Artifact, *, name: str = "tokens"
) -> Artifact:
    """Tokenize the corpus once for all who need it: memory-mapped ids."""

    def compute(folder: Path) -> None:
        _encode(context, load_tokenizer(tokenizer.folder), folder)

    return context.stage(name, compute, text=corpus_stage, tokenizer=tokenizer)


def tokenize_with_source(context: RunContext, corpus_stage: Artifact) -> Artifact:
    """Tokenize the corpus with the source tokenizer."""

    def compute(folder: Path) -> None:
        _encode(context, context.source.tokenizer, folder)

    return context.stage("tokens", compute, text=corpus_stage, source=context.source.tokenizer_key)


def count_source_tokens(context: VocabularyContext, corpus_stage: Artifact) -> Artifact:
    """Count how often each part of the corpus uses each source token: ``counts.npy``.

    Only where weights tell parts apart there is more than one.
    """
    parts = context.corpus.parts if context.settings.weights else (context.corpus.sources,)

    def count(part: Sequence[TextSource]) -> np.ndarray:
        is_all = len(part) == len(context.corpus.sources)
        return count_tokens(
            context.source.tokenizer,
            context.corpus.lines(part),
            context.source.vocabulary.size,
            threads=context.settings.n_threads,
            total_lines=context.corpus.statistics().lines if is_all else None,
            progress=context.progress,
        )

    def compute(folder: Path) -> None:
        np.save(folder / LAYOUT.usage.name, np.stack([count(part) for part in parts]))

    settings = {"parts": [len(part) for part in parts]}
    return context.stage("usage", compute, settings, text=corpus_stage, source=context.source.tokenizer_key)


def weighted_heldout_lines(context: VocabularyContext) -> tuple[list[str], list[float]]:
    """Read the held-out lines of each part, with weights that add up to the weight of the part.

    Raises:
        CorpusError: If no line of a part is held out.
    """
    lines: list[str] = []
    weights: list[float] = []
    for part, weight in zip(context.corpus.parts, context.settings.weights, strict=True):
        own = list(context.corpus.heldout_lines(part))
        if not own:
            raise CorpusError(
                f"no line of {part[0].name} is held out, so --max-loss can't be measured on it: give more "
                "text there, or --heldout TEXT"
            )
        lines += own
        weights += [weight / len(own)] * len(own)
    return lines, weights


def _encode(context: RunContext, tokenizer: PreTrainedTokenizerFast, folder: Path) -> TokenizedCorpus:
    """Write the training lines as token ids."""
    return encode_corpus(
        tokenizer,
        context.corpus.lines(),
        folder,
        threads=context.settings.n_threads,
        total_lines=context.corpus.statistics().lines,
        progress=context.progress,
    )
