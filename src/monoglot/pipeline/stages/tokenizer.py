"""Stages that make the target tokenizer, by mode, and match it with the source vocabulary."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from monoglot._hf import CAUSAL_ENDINGS
from monoglot.model.source import Source, open_source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.stages.context import VocabularyContext
from monoglot.pipeline.stages.corpus import count_source_tokens, heldout_lines, weighted_heldout_lines
from monoglot.pipeline.stages.retained import write_kept
from monoglot.pipeline.stages.unused_tokens import (
    UnusedTokens,
    find_unused_tokens,
    unused_settings,
    write_reasons,
)
from monoglot.run import Artifact, write_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import Settings
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer, with_kept_tokens
from monoglot.tokenization.graft import GraftSettings, graft_tokens
from monoglot.tokenization.overlap import MatchKind, Overlap, match
from monoglot.tokenization.selection import RetainedText
from monoglot.tokenization.tokenizer_json import state_of
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.tokenization.word_counts import count_words

logger = logging.getLogger(__name__)


def make_new_tokenizer(
    context: VocabularyContext, corpus_stage: Artifact, *, name: str = "tokenizer"
) -> Artifact:
    """Train a tokenizer of the source's family, or take the user's."""
    asked = context.settings.vocabulary_size
    settings = TokenizerSettings(context.settings.size, or_fewer=asked is None)
    given = context.settings.target_tokenizer
    # The tokenizer that extends another one only lends tokens: it needs none that the other has.
    keep = context.kept.of(context.source) if context.settings.mode == "replace" else None

    def train(folder: Path) -> None:
        tokenizer = train_tokenizer(
            context.source.tokenizer,
            context.corpus.lines(),
            settings,
            in_use=context.kept.used,
            progress=context.progress,
        )
        if (size := len(tokenizer)) < settings.vocabulary_size:
            logger.warning(
                "the text supports %d tokens, not the usual %d: the language's tokenizer has that many",
                size,
                settings.vocabulary_size,
            )
        if keep is not None:
            tokenizer = with_kept_tokens(tokenizer, context.source.tokenizer, keep)
            write_kept(folder, context.kept, context.source, tokenizer)
        tokenizer.save_pretrained(folder)

    def take(folder: Path) -> None:
        tokenizer = open_source(str(given)).tokenizer
        if keep is not None:
            write_kept(folder, context.kept, context.source, tokenizer, taken=True)
        tokenizer.save_pretrained(folder)

    if given is None:
        all_settings = {"training": settings, "keep": keep}
        return context.stage(
            name, train, all_settings, text=corpus_stage, source=context.source.tokenizer_key
        )
    return context.stage(
        name,
        take,
        {"keep": keep},
        given=open_source(given).tokenizer_key,
        source=context.source.tokenizer_key,
    )


def make_trimmed_tokenizer(context: VocabularyContext, corpus_stage: Artifact) -> Artifact:
    """Trim the source tokenizer to the tokens that the corpus uses; records the ids kept."""
    rule, weights = trim_settings(context.settings), context.settings.weights
    keep = context.kept.of(context.source)
    counts = count_source_tokens(context, corpus_stage)

    def compute(folder: Path) -> None:
        lines, line_weights = heldout_lines(corpus_stage), None
        if weights and rule.max_loss is not None and not context.settings.heldout:
            lines, line_weights = weighted_heldout_lines(context)
        counted = np.load(counts.folder / LAYOUT.usage.name)
        uses = weighted_counts(counted, weights)
        unused = unused_tokens(context, keep, counted.sum(axis=0), rule)
        stay = unused.added_to(keep, context.source)
        source = context.source.tokenizer
        state = state_of(source)
        result = trim_tokenizer(source, uses, rule, lines, line_weights, keep=stay, state=state)
        result.tokenizer.save_pretrained(folder)
        np.save(folder / LAYOUT.source_ids.name, result.kept_source_ids)
        reasons = write_reasons(folder, context, keep, uses, unused, result.kept_source_ids, state)
        write_kept(folder, context.kept, context.source, result.tokenizer, reasons=reasons)

    settings = {"rule": rule, "weights": weights, "keep": keep} | unused_settings(context.settings)
    inputs = {"usage": counts, "text": corpus_stage}
    return context.stage("tokenizer", compute, settings, source=context.source.tokenizer_key, **inputs)


def make_grafted_tokenizer(context: VocabularyContext, corpus_stage: Artifact) -> Artifact:
    """Keep the source's tokens that the corpus uses, and add those that save most; records the savings."""
    rule, graft = graft_settings(context.settings, generates=generates(context.source))
    if graft.new_tokens == 0 and context.settings.new_tokens is None:
        logger.warning(
            "no new tokens are added: this model would have to predict them, which costs more than they save "
            "unless they are trained; --adapt-tokens adds and trains them, --new-tokens or --save adds "
            "them without training"
        )
    keep = context.kept.of(context.source)
    counts = count_source_tokens(context, corpus_stage)
    given = context.settings.target_tokenizer

    def compute(folder: Path) -> None:
        source = context.source.tokenizer
        uses = weighted_counts(np.load(counts.folder / LAYOUT.usage.name), ())
        unused = unused_tokens(context, keep, uses, rule)
        stay = unused.added_to(keep, context.source)
        state = state_of(source)
        trimmed = trim_tokenizer(source, uses, rule, heldout_lines(corpus_stage), keep=stay, state=state)
        kept = trimmed.tokenizer.get_vocab()
        result = graft_tokens(
            trimmed.tokenizer,
            count_words(context.corpus.lines(), progress=context.progress),
            graft,
            language=open_source(given).tokenizer if given else None,
            dropped=[text for text in source.get_vocab() if text not in kept],
            keep=keep,
            progress=context.progress,
        )
        if not result.new and graft.new_tokens != 0:
            logger.warning(
                "no new tokens are added: none would save enough of this text; --new-tokens N adds N all the "
                "same"
            )
        result.tokenizer.save_pretrained(folder)
        np.save(folder / LAYOUT.source_ids.name, trimmed.kept_source_ids)
        write_json(folder / LAYOUT.new_tokens.name, result.to_dict())
        reasons = write_reasons(folder, context, keep, uses, unused, trimmed.kept_source_ids, state)
        write_kept(folder, context.kept, context.source, result.tokenizer, reasons=reasons)

    settings = {"rule": rule, "graft": graft, "keep": keep} | unused_settings(context.settings)
    inputs: dict[str, Artifact | str] = {"usage": counts, "text": corpus_stage}
    if given:
        inputs["given"] = open_source(given).tokenizer_key
    return context.stage("tokenizer", compute, settings, source=context.source.tokenizer_key, **inputs)


def unused_tokens(
    context: VocabularyContext, keep: RetainedText, counts: Int64[np.ndarray, " source"], rule: TrimSettings
) -> UnusedTokens:
    """Find the tokens that a run keeps though its corpus does not use them."""
    return find_unused_tokens(
        context.source,
        context.settings,
        keep,
        counts,
        rule.vocabulary_size,
        lowercase=context.corpus.lowercase,
        progress=context.progress,
    )


ROOM_FOR_NEW = 5
"""Where only the size of a grafted vocabulary is given, new tokens take at most one part in so many of it."""
ROOM_FOR_FEW_NEW = 20
"""The same where no training follows, so that few are added (`MOST_SAVED_UNTRAINED`)."""


MOST_SAVED_UNTRAINED = 0.05
"""Without training afterwards a graft saves at most this share of the text's tokens by default: the distance
to the original is about 0.09 × the share (docs/modes.md), and more than 0.006 of it shows in retrieval."""


def generates(source: Source) -> bool:
    """Tell whether a model predicts the next token, so that new tokens have to be predicted too."""
    return type(source.checkpoint.structure).__name__.endswith(CAUSAL_ENDINGS)


def graft_settings(settings: Settings, *, generates: bool = False) -> tuple[TrimSettings, GraftSettings]:
    """Give the rules by which a graft keeps tokens and adds some.

    Args:
        settings: What was asked for.
        generates: Whether the model predicts the next token: if no training follows, no new token is added
            unless a number or a saving is asked for.

    Raises:
        SettingError: If a rule makes no sense.
    """
    rule, size = trim_settings(settings), settings.vocabulary_size
    if generates and settings.adapt_tokens is None and settings.new_tokens is None and settings.save is None:
        settings = replace(settings, new_tokens=0)
    most_saved = MOST_SAVED_UNTRAINED if settings.adapt_tokens is None else None
    if size is None:
        return rule, GraftSettings(settings.new_tokens, settings.save, most_saved=most_saved)
    parts = ROOM_FOR_FEW_NEW if most_saved is not None and settings.save is None else ROOM_FOR_NEW
    room = settings.new_tokens if settings.new_tokens is not None else size // parts
    graft = GraftSettings(settings.new_tokens, settings.save, room, most_saved)
    return replace(rule, vocabulary_size=size - room), graft


def trim_settings(settings: Settings) -> TrimSettings:
    """Give the rule by which tokens are kept.

    Raises:
        SettingError: If there are several, or one makes no sense.
    """
    return TrimSettings(
        minimum_count=settings.minimum_count,
        vocabulary_size=settings.vocabulary_size,
        coverage=settings.coverage,
        max_loss=settings.max_loss,
    )


def weighted_counts(
    counts: Int64[np.ndarray, "parts source"], weights: Sequence[float]
) -> Int64[np.ndarray, " source"] | Float64[np.ndarray, " source"]:
    """Weigh the counts of each part, whatever its length.

    Args:
        counts: How often each part of the corpus uses each token.
        weights: The weight of each part; none to add the parts as they are.
    """
    if not weights:
        return np.asarray(counts.sum(axis=0))
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    return np.asarray(np.array(weights) / sum(weights) @ shares)


def make_extended_tokenizer(context: VocabularyContext, language: Artifact) -> Artifact:
    """Add tokens of the language to the source tokenizer; records the ids kept."""
    asked = context.settings.add_tokens
    settings = ExtendSettings() if asked is None else ExtendSettings(asked)
    keep = context.kept.of(context.source)

    def compute(folder: Path) -> None:
        tokenizer = extend_tokenizer(
            context.source.tokenizer,
            load_tokenizer(language.folder),
            settings,
            keep=keep,
            at_most=asked is None,
        )
        added = len(tokenizer) - len(context.source.tokenizer)
        if added < settings.add_tokens:
            logger.warning(
                "the text supports %s new tokens, not the usual %s", f"{added:,}", f"{settings.add_tokens:,}"
            )
        tokenizer.save_pretrained(folder)
        np.save(folder / LAYOUT.source_ids.name, context.source.vocabulary.ids)
        write_kept(folder, context.kept, context.source, tokenizer)

    all_settings = {"extend": settings, "keep": keep}
    return context.stage(
        "tokenizer", compute, all_settings, language=language, source=context.source.tokenizer_key
    )


def match_vocabularies(context: VocabularyContext, tokenizer: Artifact) -> Artifact:
    """Match source and target tokens: ``overlap.safetensors``."""

    def compute(folder: Path) -> None:
        if (tokenizer.folder / LAYOUT.source_ids.name).exists():
            target = context.target(tokenizer).vocabulary
            pairs = overlap_of_retained(np.load(tokenizer.folder / LAYOUT.source_ids.name), target)
        else:
            pairs = match(*context.vocabularies(tokenizer), strategy=context.method.matching)
        with_rows(pairs, context.source.checkpoint.tables.rows).save(folder / LAYOUT.overlap.name)

    settings = {"matching": context.method.matching}
    return context.stage(
        "overlap", compute, settings, source=context.source.tokenizer_key, tokenizer=tokenizer
    )


def with_rows(pairs: Overlap, rows: int) -> Overlap:
    """Drop pairs whose source token has no row in the model, such as Gemma 3's image token."""
    has_row = pairs.source_ids < rows
    if has_row.all():
        return pairs
    without = pairs.target_ids[~has_row]
    logger.warning(
        "the source model has no rows for %d of its tokenizer's tokens (ids %s): their embeddings are "
        "newly initialized",
        len(without),
        ", ".join(map(str, pairs.source_ids[~has_row][:5])),
    )
    missing = np.sort(np.concatenate([pairs.missing, without]))
    return Overlap(pairs.source_ids[has_row], pairs.target_ids[has_row], pairs.kinds[has_row], missing)


def overlap_of_retained(kept_source_ids: np.ndarray, target: Vocabulary) -> Overlap:
    """Give the overlap of a tokenizer whose first tokens are source tokens, without comparing."""
    kept, new = np.split(target.ids, [len(kept_source_ids)])
    kinds = np.full(len(kept), MatchKind.EXACT, np.uint8)
    kinds[np.isin(kept, [token.id for token in target.special])] = MatchKind.ROLE
    return Overlap(kept_source_ids, kept, kinds, new)
