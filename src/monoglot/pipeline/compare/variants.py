"""The variants of a comparison: methods and controls that share tokenizer, vectors and text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import get_method
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.compare.probe import Variant, read_lines
from monoglot.pipeline.stages.context import VocabularyContext
from monoglot.pipeline.stages.corpus import heldout_lines, tokenize_corpus
from monoglot.pipeline.stages.tokenizer import make_new_tokenizer, make_trimmed_tokenizer, match_vocabularies
from monoglot.pipeline.stages.weights import compute_mixture, train_vectors
from monoglot.run import Artifact, atomic_write
from monoglot.run.layout import LAYOUT
from monoglot.settings.compare import method_words, name_and_options, without_folders
from monoglot.tokenization.encoding import encode_corpus

CONTROLS = ("subword", "random")
"""Methods that are compared whether they are asked for or not."""


@dataclass(frozen=True)
class MethodSpec:
    """A method with its options.

    Attributes:
        name: What it is called in tables: as the user wrote it, of paths only the last part.
        method: Its name in the registry.
        options: Its options as given.
        initializer: The method itself.
    """

    name: str
    method: str
    options: dict[str, str]
    initializer: Initializer

    @classmethod
    def read(cls, word: str) -> Self:
        """Read ``name:option=value:option=value``; a value may have colons, as paths do.

        Raises:
            SettingError: If there is no such method or option.
        """
        name, options = name_and_options(word)
        return cls(word, name, options, get_method(name, options))

    @property
    def is_control(self) -> bool:
        """Whether it is a control."""
        return self.name in CONTROLS


def read_methods(given: Sequence[str]) -> tuple[MethodSpec, ...]:
    """Read the methods that were asked for, and add the controls.

    Args:
        given: Names with options, several in one text divided by commas.

    Raises:
        SettingError: If there is none, or one is unknown, named twice, or lacks something.
    """
    words = method_words(given)
    chosen = [
        MethodSpec.read(word) for word in (*(word for word in words if word not in CONTROLS), *CONTROLS)
    ]
    short = [without_folders(one.name) for one in chosen]
    return tuple(
        replace(one, name=name) if short.count(name) == 1 else one
        for one, name in zip(chosen, short, strict=True)
    )


def slug(name: str) -> str:
    """Make a name safe for folders; different names stay different."""
    return re.sub(r"[^\w.=-]", lambda match: f"~{ord(match[0]):x}", name)


SPARE = 1.25
"""How much more text is drawn for the probes than their tokens are likely to need."""
STREAM = 5
"""Keeps these draws apart from others of the same seed."""
ORIGINAL, TRAINED, TRIMMED = "original as it is", "original vocabulary", "trim"


def build_variants(
    context: VocabularyContext, corpus_stage: Artifact, chosen: Sequence[MethodSpec]
) -> tuple[Artifact, list[Variant]]:
    """Make tokenizers, vectors and mixtures once for all variants.

    Args:
        context: The run.
        corpus_stage: The corpus and its held-out text.
        chosen: The methods.

    Returns:
        The text for the probes, and all who are trained on it.
    """
    tokenizer = make_new_tokenizer(context, corpus_stage)
    text = probe_text(context, corpus_stage, tokenizer)
    vectors = None
    if any(method.initializer.needs_vectors for method in chosen):
        vectors = train_vectors(context, tokenizer, tokenize_corpus(context, corpus_stage, tokenizer))
    tokens = tokenize_probe_text(context, text, load_tokenizer(tokenizer.folder), tokenizer.key)
    variants = []
    overlaps: dict[str, Artifact] = {}
    for method in chosen:
        own = branch(context, method)
        matching = method.initializer.matching
        if matching not in overlaps:
            overlaps[matching] = match_vocabularies(replace(own, branch=matching), tokenizer)
        given = vectors if method.initializer.needs_vectors else None
        mixture = compute_mixture(own, tokenizer, overlaps[matching], given)
        variants.append(Variant(method.name, own, tokens, tokenizer, mixture, method.is_control, True))
    size = len(load_tokenizer(tokenizer.folder))
    return text, [
        *variants,
        trimmed_variant(context, corpus_stage, text, size),
        original_variant(context, text),
    ]


def branch(context: VocabularyContext, method: MethodSpec) -> VocabularyContext:
    """Give the context of a run with another method."""
    settings = replace(context.settings, method=method.method, method_options=method.options)
    return replace(context, method=method.initializer, settings=settings, branch=slug(method.name))


def trimmed_variant(context: VocabularyContext, corpus_stage: Artifact, text: Artifact, size: int) -> Variant:
    """Make the control that keeps the source's most frequent tokens, as many as the new vocabulary has.

    All of them, if the source has fewer.
    """
    size = min(size, len(context.source.vocabulary))
    settings = replace(context.settings, mode="trim", vocabulary_size=size, target_tokenizer=None)
    own = replace(context, settings=settings, branch=TRIMMED)
    tokenizer = make_trimmed_tokenizer(own, corpus_stage)
    mixture = compute_mixture(own, tokenizer, match_vocabularies(own, tokenizer))
    tokens = tokenize_probe_text(own, text, load_tokenizer(tokenizer.folder), tokenizer.key)
    return Variant(TRIMMED, own, tokens, tokenizer, mixture)


def original_variant(context: VocabularyContext, text: Artifact) -> Variant:
    """Make the control that keeps the source's vocabulary whole."""
    own = replace(context, branch="original")
    tokens = tokenize_probe_text(own, text, context.source.tokenizer, context.source.tokenizer_key)
    return Variant(TRAINED, own, tokens)


def probe_text(context: VocabularyContext, corpus_stage: Artifact, tokenizer: Artifact) -> Artifact:
    """Draw the lines that every variant is trained on, from the whole corpus: ``text.txt``."""
    given = context.settings.adapt_tokens
    wanted_tokens = given if isinstance(given, int) else 0

    def compute(folder: Path) -> None:
        score = score_tokenizer(load_tokenizer(tokenizer.folder), heldout_lines(corpus_stage))
        statistics = context.corpus.statistics()
        share = SPARE * wanted_tokens * score.bytes_per_token / statistics.bytes
        with atomic_write(folder / LAYOUT.probe_text.name) as file:
            file.writelines(f"{line}\n" for line in sampled_lines(context, share, statistics.lines))

    settings = {"tokens": wanted_tokens, "seed": context.settings.seed}
    return context.stage("probe-text", compute, settings, text=corpus_stage, tokenizer=tokenizer)


def sampled_lines(context: VocabularyContext, share: float, n_lines: int) -> Iterator[str]:
    """Draw a share of the training lines, line by line."""
    rng = np.random.default_rng([context.settings.seed, STREAM])
    kept = rng.random(n_lines) < share
    return (line for line, keep in zip(context.corpus.lines(), kept, strict=True) if keep)


def tokenize_probe_text(
    context: VocabularyContext, text: Artifact, tokenizer: PreTrainedTokenizerFast, key: str
) -> Artifact:
    """Tokenize the text of the probes."""

    def compute(folder: Path) -> None:
        lines, threads = read_lines(text.folder / LAYOUT.probe_text.name), context.settings.n_threads
        encode_corpus(tokenizer, lines, folder, threads=threads, progress=context.progress)

    return context.stage("probe-tokens", compute, text=text, tokenizer=key)
