"""Who takes part in a comparison: tokenizer, vectors and text are made once, then one mixture for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline import texts, tokenizers, weights
from monoglot.pipeline.compare_methods import Chosen, slug
from monoglot.pipeline.compare_probe import TEXT, Contestant, read_lines
from monoglot.pipeline.walk import Walk
from monoglot.run import Artifact, atomic_write
from monoglot.tokenization.encoding import encode_corpus

SPARE = 1.25
"""How much more text is drawn for the probes than their tokens are likely to need."""
STREAM = 5
"""Keeps these draws apart from others of the same seed."""
ORIGINAL, TRAINED, TRIMMED = "original as it is", "original vocabulary", "trim"


def entrants(walk: Walk, survey: Artifact, chosen: Sequence[Chosen]) -> tuple[Artifact, list[Contestant]]:
    """Make tokenizers, vectors and mixtures: stages.

    Args:
        walk: The run.
        survey: The corpus and its held-out text.
        chosen: The methods.

    Returns:
        The text for the probes, and all who are trained on it.
    """
    tokenizer = tokenizers.replaced(walk, survey)
    text = probe_text(walk, survey, tokenizer)
    vectors = None
    if any(method.initializer.needs_vectors for method in chosen):
        vectors = weights.vectors(walk, tokenizer, texts.tokens(walk, survey, tokenizer))
    tokens = probe_tokens(walk, text, load_tokenizer(tokenizer.folder), tokenizer.key)
    contestants = []
    overlaps: dict[str, Artifact] = {}
    for method in chosen:
        own = branch(walk, method)
        matching = method.initializer.matching
        if matching not in overlaps:
            overlaps[matching] = tokenizers.overlap(replace(own, branch=matching), tokenizer)
        given = vectors if method.initializer.needs_vectors else None
        mixture = weights.mixture(own, tokenizer, overlaps[matching], given)
        contestants.append(Contestant(method.name, own, tokens, tokenizer, mixture, method.is_control, True))
    size = len(load_tokenizer(tokenizer.folder))
    return text, [*contestants, trimmed(walk, survey, text, size), original(walk, text)]


def branch(walk: Walk, method: Chosen) -> Walk:
    """The run as it would be with another method."""
    settings = replace(walk.settings, method=method.method, method_options=method.options)
    return replace(walk, method=method.initializer, settings=settings, branch=slug(method.name))


def trimmed(walk: Walk, survey: Artifact, text: Artifact, size: int) -> Contestant:
    """The source's own tokens, the most frequent of the language: as many as the new vocabulary has."""
    settings = replace(walk.settings, mode="trim", vocabulary_size=size, target_tokenizer=None)
    own = replace(walk, settings=settings, branch=TRIMMED)
    tokenizer = tokenizers.trimmed(own, survey)
    mixture = weights.mixture(own, tokenizer, tokenizers.overlap(own, tokenizer))
    tokens = probe_tokens(own, text, load_tokenizer(tokenizer.folder), tokenizer.key)
    return Contestant(TRIMMED, own, tokens, tokenizer, mixture)


def original(walk: Walk, text: Artifact) -> Contestant:
    """The source as it is, its vocabulary and all."""
    own = replace(walk, branch="original")
    tokens = probe_tokens(own, text, walk.source.tokenizer, walk.source.tokenizer_key)
    return Contestant(TRAINED, own, tokens)


def probe_text(walk: Walk, survey: Artifact, tokenizer: Artifact) -> Artifact:
    """Draw the lines that every contestant is trained on, from all over the corpus: ``text.txt``."""
    wanted_tokens = walk.settings.adapt_tokens or 0

    def compute(folder: Path) -> None:
        score = score_tokenizer(load_tokenizer(tokenizer.folder), texts.heldout(survey))
        statistics = walk.corpus.survey()
        share = SPARE * wanted_tokens * score.bytes_per_token / statistics.bytes
        with atomic_write(folder / TEXT) as file:
            file.writelines(f"{line}\n" for line in drawn(walk, share, statistics.lines))

    settings = {"tokens": wanted_tokens, "seed": walk.settings.seed}
    return walk.stage("probe-text", compute, settings, text=survey, tokenizer=tokenizer)


def drawn(walk: Walk, share: float, n_lines: int) -> Iterator[str]:
    """A share of the training lines, drawn one by one; all of them if there are few."""
    rng = np.random.default_rng([walk.settings.seed, STREAM])
    kept = rng.random(n_lines) < share
    return (line for line, keep in zip(walk.corpus.lines(), kept, strict=True) if keep)


def probe_tokens(walk: Walk, text: Artifact, tokenizer: PreTrainedTokenizerFast, key: str) -> Artifact:
    """Cut the probes' text into tokens of a tokenizer."""

    def compute(folder: Path) -> None:
        lines, threads = read_lines(text.folder / TEXT), walk.settings.n_threads
        encode_corpus(tokenizer, lines, folder, threads=threads, progress=walk.progress)

    return walk.stage("probe-tokens", compute, text=text, tokenizer=key)
