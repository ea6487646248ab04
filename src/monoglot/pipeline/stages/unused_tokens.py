"""Which tokens that the corpus does not use are kept, and why each token is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from monoglot.model.source import Source
from monoglot.pipeline.stages.context import VocabularyContext
from monoglot.progress import SILENT, Progress
from monoglot.run import write_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import Settings
from monoglot.tokenization.kept_reasons import kept_reasons, reason_counts
from monoglot.tokenization.language_tokens import LanguageTokens, rank_unused_tokens
from monoglot.tokenization.selection import RetainedText, selection_order
from monoglot.tokenization.tokenizer_json import State, state_of

logger = logging.getLogger(__name__)

Counts = Int64[np.ndarray, " source"] | Float64[np.ndarray, " source"]


@dataclass(frozen=True)
class UnusedTokens:
    """Tokens that are kept though the corpus does not use them.

    Attributes:
        scripts: The scripts that the corpus is written in.
        by_script: Ids of those that are kept for their script.
        by_language: Ids of those that look like the corpus' language, the best first.
    """

    scripts: Sequence[str] = ()
    by_script: list[int] = field(default_factory=list)
    by_language: list[int] = field(default_factory=list)

    def added_to(self, keep: RetainedText, source: Source) -> RetainedText:
        """Add them to what is kept."""
        texts = [source.vocabulary.by_id[id].text for id in (*self.by_script, *self.by_language)]
        return replace(keep, tokens=(*keep.tokens, *texts))


def _by_rule(settings: Settings) -> bool:
    """Whether tokens that the corpus uses are dropped by a rule: then no unused one is kept."""
    return settings.minimum_count > 1 or settings.coverage is not None or settings.max_loss is not None


def unused_settings(settings: Settings) -> dict[str, Any]:
    """What decides about tokens that the corpus does not use, for the key of the stage."""
    return {"language_tokens": settings.language_tokens, "keep_script": settings.keep_script}


def find_unused_tokens(
    source: Source,
    settings: Settings,
    keep: RetainedText,
    counts: Int64[np.ndarray, " source"],
    size: int | None = None,
    *,
    lowercase: bool = False,
    progress: Progress = SILENT,
) -> UnusedTokens:
    """Find the tokens to keep though the corpus does not use them; by default as many as there is room for.

    Args:
        source: The source model.
        settings: How many, of which scripts.
        keep: What is kept whatever the corpus.
        counts: How often the corpus uses each source token.
        size: How many source tokens there is room for.
        lowercase: Whether the model is given text in lower case only.
        progress: Where to show how far it is.

    Raises:
        SettingError: If the source has no token of a script that was asked for.
    """
    asked, default = settings.language_tokens, settings.language_tokens is None
    if default and _by_rule(settings):
        asked = 0
    if asked == 0 and not settings.keep_script:
        return UnusedTokens()
    rows = source.rows
    with progress.task("ranking unused tokens"):
        ranked = rank_unused_tokens(
            source.vocabulary,
            counts,
            lambda ids: rows.take(ids).float().numpy(),
            _usable(source, lowercase=lowercase),
            whole_scripts=settings.keep_script,
            own_scripts=asked is None,
        )
    if asked:
        _warn_of_few(ranked, asked)
    chosen = ranked.kept(asked)
    if default and size is not None:
        chosen = _fitting(source, chosen, keep, counts, size)
    by_script, by_language = chosen.ids[chosen.by_script], chosen.ids[~chosen.by_script]
    return UnusedTokens(ranked.scripts, by_script.tolist(), by_language.tolist())


def _usable(source: Source, *, lowercase: bool) -> Bool[np.ndarray, " source"]:
    """Which tokens have a trained row, and can occur: not those with capitals in text in lower case."""
    usable = source.trained.copy()
    if lowercase:
        forms = ((token.id, token.form.decode(errors="ignore")) for token in source.vocabulary.tokens)
        usable[[id for id, form in forms if form != form.lower()]] = False
    return usable


def _warn_of_few(ranked: LanguageTokens, asked: int) -> None:
    """Say where fewer are kept than were asked for, or where they could not be ranked."""
    others = ~ranked.by_script
    if others.sum() < asked:
        scripts = ", ".join(ranked.scripts) or "no script"
        logger.warning(
            "the source has %d more tokens of %s, --language-tokens asks for %d: all are kept",
            others.sum(), scripts, asked,
        )  # fmt: skip
    if others.any() and np.isnan(ranked.probability).all():
        logger.warning(
            "the text uses too few tokens to tell which others belong to its language: the first are kept"
        )


def _fitting(
    source: Source, chosen: LanguageTokens, keep: RetainedText, counts: Counts, size: int
) -> LanguageTokens:
    """Give as many as there is room for beside all tokens that the corpus uses."""
    state = state_of(source.tokenizer)
    retained = list(keep.token_ids(source.tokenizer))
    used = np.flatnonzero(counts > 0).tolist()
    fits, most = 0, len(chosen.ids)
    # What a token is merged from is kept with it, so that their number can only be tried.
    while most > 0:
        kept = [*retained, *used, *chosen.ids[:most].tolist()]
        surplus = len(selection_order(source.tokenizer, state, counts, kept)[0]) - size
        if surplus <= 0:
            fits = most
            break
        most -= surplus
    first = slice(0, fits)
    return LanguageTokens(
        chosen.scripts, chosen.ids[first], chosen.probability[first], chosen.by_script[first]
    )


def write_reasons(
    folder: Path,
    context: VocabularyContext,
    keep: RetainedText,
    counts: Counts,
    unused: UnusedTokens,
    kept_source_ids: Int64[np.ndarray, " kept"],
    state: State,
) -> dict[str, int]:
    """Record why each token is kept, and which were kept though the corpus does not use them.

    Args:
        folder: Where to.
        context: The run.
        keep: What is kept whatever the corpus.
        counts: How often the corpus uses each source token.
        unused: What is kept though the corpus does not use it.
        kept_source_ids: All that is kept.
        state: The source's parsed tokenizer.json.

    Returns:
        How many tokens are kept for each reason.
    """
    source = context.source
    reasons = kept_reasons(
        source.tokenizer,
        kept_source_ids,
        counts,
        in_use=context.kept.used,
        requested=keep.token_ids(source.tokenizer),
        by_script=unused.by_script,
        by_language=unused.by_language,
        state=state,
    )
    np.save(folder / LAYOUT.reasons.name, reasons)
    if unused.by_script or unused.by_language:
        text_of = source.vocabulary.by_id
        texts = [text_of[id].text for id in (*unused.by_script, *unused.by_language)]
        write_json(folder / LAYOUT.language_tokens.name, {"scripts": list(unused.scripts), "tokens": texts})
    return reason_counts(reasons)
