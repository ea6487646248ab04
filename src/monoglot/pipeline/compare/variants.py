"""The methods that `compare` is asked for, and the controls among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.initialization.initialize import Initializer
from monoglot.initialization.registry import get_method
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.compare.probe import TEXT, Contestant, read_lines
from monoglot.pipeline.stages import corpus as texts, tokenizer as tokenizers, weights
from monoglot.pipeline.stages.context import Walk
from monoglot.run import Artifact, atomic_write
from monoglot.tokenization.encoding import encode_corpus

CONTROLS = ("subword", "random")
"""Methods that are compared whether they are asked for or not."""


@dataclass(frozen=True)
class Chosen:
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
            SettingError: If an option has no value, or there is no such method or option.
        """
        name, *parts = re.split(r":(?=[\w-]+=)", word)
        options = dict(part.split("=", 1) for part in parts)
        if empty := [option for option, value in options.items() if not value]:
            raise SettingError(f"the option '{empty[0]}' of '{word}' has no value: give {empty[0]}=VALUE")
        return cls(word, name, options, get_method(name, options))

    @property
    def is_control(self) -> bool:
        """Whether it is there to be compared with."""
        return self.name in CONTROLS


def read_methods(given: Sequence[str]) -> tuple[Chosen, ...]:
    """The methods asked for, then the controls.

    Args:
        given: Names with options, several in one text divided by commas.

    Raises:
        SettingError: If there is none, or one is unknown, named twice, or lacks something.
    """
    words = [word.strip() for text in given for word in text.split(",") if word.strip()]
    if not words:
        raise SettingError("got no method to compare: give some, as in --methods blend,focus")
    if twice := [word for word in words if words.count(word) > 1]:
        raise SettingError(f"'{twice[0]}' is named twice in --methods: name it once")
    chosen = [Chosen.read(word) for word in (*(word for word in words if word not in CONTROLS), *CONTROLS)]
    short = [without_folders(one.name) for one in chosen]
    return tuple(
        replace(one, name=name) if short.count(name) == 1 else one
        for one, name in zip(chosen, short, strict=True)
    )


def without_folders(word: str) -> str:
    """A method with its options, of paths only the last part: whole ones would fill the line."""
    return re.sub(r"(?<==)[^:]*/(?=[^/:]+(?::|$))", "", word)


def slug(name: str) -> str:
    """A name without characters that names of folders had better not have; different names stay different."""
    return re.sub(r"[^\w.=-]", lambda match: f"~{ord(match[0]):x}", name)


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
