"""Stages that read the corpus: what it amounts to, and its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.corpus import CorpusStatistics, Source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.stages.context import Walk
from monoglot.run import Artifact, atomic_write, read_json, write_json
from monoglot.tokenization.encoding import TokenizedCorpus, count_tokens, encode_corpus


def survey(walk: Walk) -> Artifact:
    """Count the corpus and set text aside: ``corpus.json``, ``heldout.txt``."""

    def compute(folder: Path) -> None:
        statistics = walk.corpus.survey(walk.progress)
        content = {"fingerprint": walk.corpus.fingerprint(), "statistics": asdict(statistics)}
        write_json(folder / "corpus.json", content)
        with atomic_write(folder / "heldout.txt") as file:
            file.writelines(f"{line}\n" for line in walk.corpus.heldout_lines())

    artifact = walk.stage("corpus", compute, corpus=walk.corpus.fingerprint())
    statistics = read_json(artifact.folder / "corpus.json")["statistics"]
    walk.corpus.remember(CorpusStatistics(**statistics))
    return artifact


def heldout(survey: Artifact) -> list[str]:
    """The held-out lines."""
    return (survey.folder / "heldout.txt").read_text(encoding="utf-8").split("\n")[:-1]


def tokens(walk: Walk, survey: Artifact, tokenizer: Artifact, *, name: str = "tokens") -> Artifact:
    """Cut the corpus into tokens, once for all who need them: memory-mapped ids."""

    def compute(folder: Path) -> None:
        _encode(walk, load_tokenizer(tokenizer.folder), folder)

    return walk.stage(name, compute, text=survey, tokenizer=tokenizer)


def source_tokens(walk: Walk, survey: Artifact) -> Artifact:
    """Cut the corpus into tokens of the source model."""

    def compute(folder: Path) -> None:
        _encode(walk, walk.source.tokenizer, folder)

    return walk.stage("tokens", compute, text=survey, source=walk.source.tokenizer_key)


def usage(walk: Walk, survey: Artifact) -> Artifact:
    """Count how often each part of the corpus uses each source token: ``counts.npy``.

    Only where weights tell parts apart there is more than one.
    """
    parts = walk.corpus.parts if walk.settings.weights else (walk.corpus.sources,)

    def count(part: Sequence[Source]) -> np.ndarray:
        is_all = len(part) == len(walk.corpus.sources)
        return count_tokens(
            walk.source.tokenizer,
            walk.corpus.lines(part),
            walk.source.vocabulary.size,
            threads=walk.settings.n_threads,
            total_lines=walk.corpus.survey().lines if is_all else None,
            progress=walk.progress,
        )

    def compute(folder: Path) -> None:
        np.save(folder / "counts.npy", np.stack([count(part) for part in parts]))

    settings = {"parts": [len(part) for part in parts]}
    return walk.stage("usage", compute, settings, text=survey, source=walk.source.tokenizer_key)


def weighted_heldout(walk: Walk) -> tuple[list[str], list[float]]:
    """The held-out lines of each part of the corpus, and what each counts: together the part's weight."""
    lines: list[str] = []
    weights: list[float] = []
    for part, weight in zip(walk.corpus.parts, walk.settings.weights, strict=True):
        own = list(walk.corpus.heldout_lines(part))
        lines += own
        weights += [weight / len(own)] * len(own)
    return lines, weights


def _encode(walk: Walk, tokenizer: PreTrainedTokenizerFast, folder: Path) -> TokenizedCorpus:
    """Write the training lines as tokens."""
    return encode_corpus(
        tokenizer,
        walk.corpus.lines(),
        folder,
        threads=walk.settings.n_threads,
        total_lines=walk.corpus.survey().lines,
        progress=walk.progress,
    )
