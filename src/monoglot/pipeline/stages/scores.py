"""Stages that compare before and after: size and fit, and the equivalence of both models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from monoglot.errors import ModelError
from monoglot.evaluation.equivalence import KINDS, OutputComparison, compare_outputs
from monoglot.evaluation.kept_weights import compare_weights
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.maths.mixture import Mixture
from monoglot.pipeline.stages.context import VocabularyContext
from monoglot.pipeline.stages.corpus import heldout_lines
from monoglot.reporting.finished_run import token_counts
from monoglot.reporting.summary import (
    ModelFigures,
    Scores,
    Summary,
    count_parameters,
    diagnose,
    kept_warnings,
    kept_words,
    provenance_shares,
)
from monoglot.run import Artifact, read_json, write_json
from monoglot.run.layout import LAYOUT
from monoglot.tokenization.trim import check_segmentation
from monoglot.tokenization.vocabulary import Vocabulary


def score_vocabularies(
    context: VocabularyContext,
    corpus_stage: Artifact,
    tokenizer: Artifact,
    counted: Artifact,
    mixture: Artifact,
    model: Artifact,
) -> Artifact:
    """Compare size and fit before and after: ``scores.json``.

    Args:
        context: The run.
        corpus_stage: The corpus and its held-out text.
        tokenizer: The target tokenizer.
        counted: The corpus in target tokens; of a trimmed tokenizer, how often it uses the source's.
        mixture: Where the rows come from.
        model: The new model.
    """

    def compute(folder: Path) -> None:
        both = (context.source.tokenizer, context.target(tokenizer).tokenizer)
        text = heldout_lines(corpus_stage)
        rows = Mixture.load(mixture.folder / LAYOUT.mixture.name)
        anchors = mixture.folder / LAYOUT.anchors.name
        shares = provenance_shares(rows, token_counts(counted.folder, tokenizer.folder, rows.n_target))
        fits = [score_tokenizer(tokenizer, text) for tokenizer in both]
        warnings = diagnose(
            shares,
            read_json(anchors) if anchors.exists() else None,
            fits[1].unknown_share,
            vars(context.settings),
        )
        found = Scores(
            (count_parameters(context.source.folder), count_parameters(model.folder)),
            (len(both[0]), len(both[1])),
            (fits[0].to_dict(), fits[1].to_dict()),
            shares,
            tuple(warnings),
        )
        write_json(folder / LAYOUT.scores.name, found.to_dict())

    inputs = {
        "text": corpus_stage,
        "tokenizer": tokenizer,
        "tokens": counted,
        "mixture": mixture,
        "model": model,
    }
    return context.stage("scores", compute, source=context.source.key, **inputs)


PROOF_LINES, PROOF_CHARACTERS = 32, 2_000
"""Up to so much text the outputs of a trimmed model are compared with the original's."""


def check_equivalence(
    context: VocabularyContext, corpus_stage: Artifact, tokenizer: Artifact, model: Artifact
) -> Artifact:
    """Check that a trimmed or extended model does what the original does: ``proof.json``.

    Raises:
        ModelError: If it does not, and that was not accepted beforehand; or its outputs are no numbers.
    """

    def compute(folder: Path) -> None:
        kept = np.load(tokenizer.folder / LAYOUT.source_ids.name)
        target, vocabulary = context.target(tokenizer).tokenizer, context.target(tokenizer).vocabulary
        source_of = sources_of(kept, vocabulary, context.source.checkpoint.tables.rows)
        text = heldout_lines(corpus_stage) or list(islice(context.corpus.lines(), PROOF_LINES))
        segmentation = check_segmentation(context.source.tokenizer, target, source_of, text)
        made = context.source.at(model.folder)
        weights = compare_weights(context.source.checkpoint, made.checkpoint, source_of)
        try:
            outputs = compare_outputs(
                (context.source.model, context.source.tokenizer),
                (made.model, target),
                source_of,
                first_lines(text, PROOF_LINES, PROOF_CHARACTERS),
                _texts_with_rows(context),
                progress=context.progress,
            )
        except ModelError as error:  # it can't be run, so that no output can be compared
            if not context.settings.accept_difference:
                raise
            outputs = OutputComparison(dict.fromkeys(KINDS, 0), 0.0, 0.0, 0.0, fault=str(error).rstrip("."))
        if not math.isfinite(outputs.largest_difference + outputs.largest_output):
            raise ModelError(
                f"{context.source.name}, or what was made of it, gives outputs that are not numbers (NaN or "
                "infinity) for lines of the corpus: nothing was written; correct the model."
            )
        context.source.forget_model()
        compared = {"rows": weights.rows, "tensors": weights.tensors, "left_out": weights.left_out}
        content = asdict(segmentation) | {"share": segmentation.share} | compared | asdict(outputs)
        write_json(folder / LAYOUT.proof.name, content | {"fault": weights.fault or outputs.fault})

    inputs = {"text": corpus_stage, "tokenizer": tokenizer, "model": model}
    artifact = context.stage("proof", compute, source=context.source.key, **inputs)
    if (
        fault := read_json(artifact.folder / LAYOUT.proof.name)["fault"]
    ) and not context.settings.accept_difference:
        made = {"trim": "trimmed", "extend": "extended", "graft": "grafted"}[context.settings.mode]
        raise ModelError(
            f"The {made} model was not shown to do what {context.source.name} does: {fault}. Nothing was "
            "written; --accept-difference writes it anyway."
        )
    return artifact


def sources_of(
    kept_source_ids: Int64[np.ndarray, " kept"], target: Vocabulary, rows: int
) -> Int64[np.ndarray, " target"]:
    """Give the source id of each target id; -1 for new tokens and those without a row."""
    found = np.full(target.size, -1, np.int64)
    found[target.ids[: len(kept_source_ids)]] = kept_source_ids
    found[found >= rows] = -1
    return found


def first_lines(lines: Sequence[str], most_lines: int, most_characters: int) -> list[str]:
    """Take lines up to a number of lines and of characters, at least one."""
    ends = np.cumsum([len(line) for line in lines[:most_lines]])
    return list(lines[: max(1, int(np.searchsorted(ends, most_characters, side="right")))])


def _texts_with_rows(context: VocabularyContext) -> list[str]:
    """Give the retained texts whose tokens all have rows in the source model."""
    rows, tokenizer = context.source.checkpoint.tables.rows, context.source.tokenizer
    return [
        text
        for text in context.kept.of(context.source).texts
        if max(tokenizer(text).input_ids, default=0) < rows
    ]


def summarize(context: VocabularyContext) -> Summary:
    """Summarize a published run."""
    home = context.run.output / LAYOUT.home
    found = Scores.from_dict(read_json(home / LAYOUT.scores))
    kept = read_json(home / LAYOUT.kept)
    before, after = (
        ModelFigures(*each) for each in zip(found.parameters, found.vocabulary, found.tokenizers, strict=True)
    )
    costs = {name: artifact.measured for name, artifact in context.run.artifacts.items() if artifact.measured}
    return Summary(
        output=str(context.run.output),
        method=context.settings.method,
        proof=read_json(home / LAYOUT.proof) if "proof" in costs else None,
        kept=kept_words(kept),
        seconds={name: cost.seconds for name, cost in costs.items()},
        peak_memory_bytes=max((cost.peak_memory_bytes for cost in costs.values()), default=0),
        before=before,
        after=after,
        provenance=found.provenance,
        warnings=[*found.warnings, *kept_warnings(kept)],
    )


def equivalence_figures(context: VocabularyContext) -> dict[str, Any] | None:
    """Give the figures of the equivalence check for the manifest, without examples.

    ``None`` in mode ``replace``, and of a model that is trained afterwards: it does something else then.
    """
    artifact = context.run.artifacts.get("proof")
    if artifact is None or context.settings.adapt_tokens is not None:
        return None
    content: dict[str, Any] = read_json(artifact.folder / LAYOUT.proof.name)
    return {name: value for name, value in content.items() if name not in ("examples", "prompts_changed")}
