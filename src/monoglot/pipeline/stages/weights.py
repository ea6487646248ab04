"""Stages that make the weights: auxiliary vectors, mixture, and the new model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from monoglot.device import device_of
from monoglot.initialization.anchors import judge_anchors
from monoglot.initialization.initialize import initialize
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Mixture
from monoglot.model.checkpoint import transplant_checkpoint
from monoglot.pipeline.stages.context import VocabularyContext
from monoglot.run import Artifact, file_hash, write_json
from monoglot.run.layout import LAYOUT
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.overlap import Overlap, match
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import TokenVectors


def train_vectors(context: VocabularyContext, tokenizer: Artifact, tokens: Artifact) -> Artifact:
    """Train static vectors of a tokenizer's tokens: ``vectors.safetensors``."""

    def compute(folder: Path) -> None:
        # fastText's matrix is the largest object of the run: nothing else should be in memory beside it.
        context.forget()
        result = context.engine.train(
            TokenizedCorpus.open(tokens.folder),
            context.target(tokenizer).vocabulary,
            seed=context.settings.seed,
            threads=context.settings.n_threads,
            progress=context.progress,
            model=context.probed_model,
        )
        result.save(folder / LAYOUT.vectors.name)
        if context.probed_model:
            context.probed_model.forget()

    settings = {"engine": context.settings.vectors, "options": context.engine, "seed": context.settings.seed}
    inputs: dict[str, Artifact | str] = {"tokens": tokens, "tokenizer": tokenizer}
    if context.probed_model:
        inputs["model"] = context.probed_model.key
    return context.stage("vectors", compute, settings, **inputs)


def compute_mixture(
    context: VocabularyContext,
    tokenizer: Artifact,
    overlap: Artifact,
    vectors: Artifact | None = None,
    vectors_of: Artifact | None = None,
) -> Artifact:
    """Compute of which source rows each target row is made: ``mixture.safetensors``, ``anchors.json``.

    Args:
        context: The run.
        tokenizer: The target tokenizer.
        overlap: Its overlap with the source's.
        vectors: Auxiliary vectors, if the method needs them.
        vectors_of: The tokenizer that they were trained with, if it is not the target's.
    """

    def compute(folder: Path) -> None:
        target, device = context.target(tokenizer), device_of(context.settings.device)
        static = TokenVectors.load(vectors.folder / LAYOUT.vectors.name) if vectors else None
        if static and vectors_of:
            static = vectors_at_new_ids(static, context.target(vectors_of).vocabulary, target.vocabulary)
        pairs = Overlap.load(overlap.folder / LAYOUT.overlap.name)
        transfer = Transfer.of(
            context.source.tokenizer,
            target.tokenizer,
            matching=context.method.matching,
            overlap=pairs,
            embeddings=context.source.embeddings,
            vectors=static,
            vocabularies=context.vocabularies(tokenizer),
            trained=context.source.trained,
            model=context.source.model if context.method.reads_model and len(pairs.missing) else None,
            seed=context.settings.seed,
            device=str(device) if device.type == "cuda" else "cpu",  # others lack float64
        )
        result = initialize(
            transfer,
            context.method,
            seed=context.settings.seed,
            calibration=context.settings.norm_calibration,
            progress=context.progress,
        )
        result.save(folder / LAYOUT.mixture.name)
        context.source.forget_model()
        if static:
            write_json(folder / LAYOUT.anchors.name, asdict(judge_anchors(transfer)))

    settings = {
        "method": context.settings.method,
        "options": context.method,
        "seed": context.settings.seed,
        "norm_calibration": context.settings.norm_calibration,
    }
    inputs = {"tokenizer": tokenizer, "overlap": overlap}
    inputs |= {name: a for name, a in {"vectors": vectors, "vectors_of": vectors_of}.items() if a}
    files = {what: file_hash(Path(path)) for what, path in context.method.files.items()}
    return context.stage("mixture", compute, settings, source=context.source.key, **inputs, **files)


def vectors_at_new_ids(vectors: TokenVectors, old: Vocabulary, new: Vocabulary) -> TokenVectors:
    """Move vectors to the ids that another vocabulary gives their tokens.

    So only tokens of the language's own tokenizer are anchors when a vocabulary is extended, as in
    Dobler & de Melo 2023.
    """
    pairs = match(old, new)
    matrix = np.zeros((new.size, vectors.matrix.shape[1]), np.float32)
    usable, counts = np.zeros(new.size, bool), np.zeros(new.size, np.int64)
    for target, source in ((matrix, vectors.matrix), (usable, vectors.usable), (counts, vectors.counts)):
        target[pairs.target_ids] = source[pairs.source_ids]
    return TokenVectors(matrix, usable, counts)


def write_model(context: VocabularyContext, tokenizer: Artifact, mixture: Artifact) -> Artifact:
    """Write the model with the new vocabulary: a Hugging Face folder."""

    def compute(folder: Path) -> None:
        # What the source's tokens stand for is not asked any more; models are in memory from here on.
        context.source.forget_vocabulary()
        target = context.target(tokenizer).tokenizer
        rows = Mixture.load(mixture.folder / LAYOUT.mixture.name)
        source, old = context.source, context.source.tokenizer
        transplant_checkpoint(source.checkpoint, rows, target, folder, source_tokenizer=old)
        source.at(folder).check_stored()

    return context.stage("model", compute, source=context.source.key, tokenizer=tokenizer, mixture=mixture)
