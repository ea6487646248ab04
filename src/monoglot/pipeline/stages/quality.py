"""The stage that measures the finished model beside its original on held-out lines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from monoglot.errors import InputError, ModelError, first_line
from monoglot.evaluation.quality import Quality, compare_quality
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.source import Source
from monoglot.pipeline.stages.context import RunContext, VocabularyContext
from monoglot.pipeline.stages.corpus import heldout_lines
from monoglot.run import Artifact, read_json, write_json
from monoglot.run.layout import LAYOUT
from monoglot.tokenization.trim import check_segmentation
from monoglot.untrusted import reason

logger = logging.getLogger(__name__)


def measure_quality(context: VocabularyContext, result: Artifact) -> Quality:
    """Score the model that a run ends with: ``quality.json``.

    A model that can't be scored is no error: the result says why.

    Args:
        context: The run, with stages ``corpus``, ``tokenizer`` and ``mixture``.
        result: The new model, trained or not.
    """
    stages = context.run.artifacts
    corpus_stage, tokenizer, mixture = (stages[name] for name in ("corpus", "tokenizer", "mixture"))
    seed = context.settings.seed

    def compute(folder: Path) -> None:
        text, target = heldout_lines(corpus_stage), context.target(tokenizer).tokenizer
        progress = context.progress
        rows = Mixture.load(mixture.folder / LAYOUT.mixture.name)
        copies = copied_from(rows) if _proved(context) else None

        def score() -> Quality:
            made = context.source.at(result.folder).model, target
            return compare_quality(context.source, made, text, seed=seed, copy_of=copies, progress=progress)

        found = scored_or_skipped(score)
        context.source.forget_model()
        same = _as_before(context, text, tokenizer, mixture)
        found = replace(found, heldout=len(text), as_before=same)
        write_json(folder / LAYOUT.quality.name, found.to_dict())

    # The prefix that a sentence encoder is given can follow from the folder's name, which no key holds.
    prefix = next((given.text for given in context.kept.given), "")
    inputs = {"text": corpus_stage, "tokenizer": tokenizer, "mixture": mixture, "model": result}
    artifact = context.stage(
        "quality", compute, {"seed": seed, "prefix": prefix}, source=context.source.key, **inputs
    )
    return Quality.from_dict(read_json(artifact.folder / LAYOUT.quality.name))


def measure_trained(
    context: RunContext,
    result: Artifact,
    corpus_stage: Artifact,
    original: Source | str,
    mixture: Path | None,
) -> Quality:
    """Score a model that `adapt` trained beside its original: ``quality.json``, as `measure_quality` does.

    Args:
        context: The run, whose source is the model before its training.
        result: The trained model.
        corpus_stage: Stage of the held-out text.
        original: The model to compare with, or why there is none.
        mixture: File that tells of which of its rows the model's are copies; ``None`` if both have the same.
    """
    seed = context.settings.seed

    def compute(folder: Path) -> None:
        text, progress = heldout_lines(corpus_stage), context.progress
        trained = context.source.at(result.folder)
        copies = copied_from(Mixture.load(mixture)) if mixture else np.arange(trained.vocabulary.size)

        def score() -> Quality:
            if isinstance(original, str):
                raise ModelError(original)
            made = trained.model, trained.tokenizer
            found = compare_quality(original, made, text, seed=seed, progress=progress)
            original.forget_model()
            same = check_segmentation(original.tokenizer, trained.tokenizer, copies, text).equal
            return replace(found, as_before=same)

        found = scored_or_skipped(score)
        write_json(folder / LAYOUT.quality.name, replace(found, heldout=len(text)).to_dict())

    key = original if isinstance(original, str) else original.key
    inputs = {"text": corpus_stage, "model": result}
    artifact = context.stage("quality", compute, {"seed": seed}, original=key, **inputs)
    return Quality.from_dict(read_json(artifact.folder / LAYOUT.quality.name))


def scored_or_skipped(score: Callable[[], Quality]) -> Quality:
    """Score a model that is complete, or say why it can't be scored: no such error may lose the model.

    Args:
        score: Runs the model and its original.
    """
    try:
        return score()
    except InputError as error:
        return Quality(skipped=first_line(error).rstrip("."))
    # No shorter list would do: classes of transformers raise ValueError, TypeError, IndexError … for texts
    # that they can't read, torch raises RuntimeError where memory is short, and a model's own code anything.
    except Exception as error:
        logger.debug("the scores of the finished model failed", exc_info=True)
        return Quality(skipped=reason(error).rstrip("."))


def _proved(context: VocabularyContext) -> bool:
    """Whether the model was shown to do what the original does, and not trained afterwards."""
    proof = context.run.artifacts.get("proof")
    if proof is None or context.settings.adapt_tokens is not None:
        return False
    return not read_json(proof.folder / LAYOUT.proof.name)["fault"]


def _as_before(
    context: VocabularyContext, text: Sequence[str], tokenizer: Artifact, mixture: Artifact
) -> int:
    """Count the lines that are segmented into the same tokens, with rows of the source."""
    proof = context.run.artifacts.get("proof")
    if proof is not None and text:  # without held-out text it counts lines of the corpus
        return int(read_json(proof.folder / LAYOUT.proof.name)["equal"])
    rows = Mixture.load(mixture.folder / LAYOUT.mixture.name)
    both = context.source.tokenizer, context.target(tokenizer).tokenizer
    return check_segmentation(*both, copied_from(rows), text).equal


def copied_from(mixture: Mixture) -> Int64[np.ndarray, " target"]:
    """Give the source id of each target token that is a copy; -1 of others."""
    rows = mixture.rows
    found = np.full(mixture.n_target, -1, np.int64)
    copied = mixture.where(Provenance.COPIED)
    found[copied] = rows.indices[rows.indptr[:-1][copied]]
    return found
