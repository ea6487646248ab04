"""`specialize`: a model and a corpus in, a specialized model out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace as replace_fields
from pathlib import Path

from monoglot.corpus import Given, inputs_of, open_corpus
from monoglot.device import check_device, limited_threads
from monoglot.initialization.registry import get_method
from monoglot.keywords import explains_keywords
from monoglot.model.source import Source, open_source
from monoglot.pipeline.inputs import check, method_for
from monoglot.pipeline.preview import check_output
from monoglot.pipeline.report import report_at_end
from monoglot.pipeline.stages.context import VocabularyContext
from monoglot.pipeline.stages.corpus import read_corpus, tokenize_corpus
from monoglot.pipeline.stages.quality import measure_quality
from monoglot.pipeline.stages.retained import kept_facts
from monoglot.pipeline.stages.scores import (
    check_equivalence,
    equivalence_figures,
    score_vocabularies,
    summarize,
)
from monoglot.pipeline.stages.tokenizer import (
    make_extended_tokenizer,
    make_grafted_tokenizer,
    make_new_tokenizer,
    make_trimmed_tokenizer,
    match_vocabularies,
)
from monoglot.pipeline.stages.weights import compute_mixture, train_vectors, write_model
from monoglot.progress import Progress, reporter
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.next_step import training_command
from monoglot.reporting.summary import Summary
from monoglot.run import Artifact, Description, Run
from monoglot.run.layout import LAYOUT
from monoglot.settings import AUTO, Settings
from monoglot.settings_text import run_file
from monoglot.tokenization.overlap import Overlap
from monoglot.vectors.registry import get_engine

logger = logging.getLogger(__name__)


@explains_keywords(settings=Settings)
def specialize(
    source: str | Path,
    corpus: Given,
    output: str | Path,
    settings: Settings | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | bool = False,
) -> Summary:
    """Give a model a vocabulary made for a corpus, and initialize the new embeddings.

    Every stage writes what it makes into ``output/monoglot`` and is reused if it has been made from the same
    things before; a run that was interrupted resumes where it stopped.

    Args:
        source: Folder or hub name of the model.
        corpus: Files, globs, folders or hub datasets with text of the target language.
        output: Folder to make; a Hugging Face model folder.
        settings: Everything else.
        overwrite: Whether to replace an output that an earlier run made.
        progress: Whether to show how far the work is, or where.

    Returns:
        What was done, in figures.

    Raises:
        InputError: If something that was given can't be used; the message says how to fix it.
    """
    settings, progress = settings or Settings(), reporter(progress)
    inputs = list(inputs_of(corpus))
    for sentence in settings.ignored:
        logger.warning(sentence)
    with limited_threads(settings.n_threads):
        check_device(settings.device)
        # All that can be wrong with the input is looked at before the first minute of work.
        if settings.method != AUTO:
            get_method(settings.method, settings.method_options)
        engine = get_engine(settings.vectors, settings.vectors_options)
        text = open_corpus(inputs, column=settings.column, heldout=settings.heldout)
        model = open_source(str(source), trust_remote_code=settings.trust_remote_code)
        check_output(output, source, inputs, text, settings)
        check(model, text, settings)
        asked, settings = settings, replace_fields(settings, method=method_for(model, settings))
        method = get_method(settings.method, settings.method_options)
        finish = last_stage(settings, model)
        with Run.open(Path(output), overwrite) as run:
            context = VocabularyContext(run, model, text, settings, progress, method=method, engine=engine)
            if context.probed_model and context.method.needs_vectors:
                context.probed_model.check()
            result = finish(context, WALKS[settings.mode](context))
            quality = measure_quality(context, result)
            given = {"source": str(source), "corpus": inputs}
            description = Description(
                settings,
                inputs={"corpus": text.fingerprint(), "source": model.key},
                seed=settings.seed,
                names=given | {"hub": model.on_hub},
                proof=equivalence_figures(context),
                kept=kept_facts(run.artifacts["tokenizer"].folder),
                quality=quality.to_dict(),
            )
            run.publish(
                result,
                description=description,
                config=run_file("specialize", given, asked),
                finish=lambda folder: report_at_end(folder, run.output, model, progress),
            )
            made = FinishedRun(run.output, trust_remote_code=settings.trust_remote_code)
            return replace_fields(summarize(context), quality=quality, next_command=training_command(made))


def replace(context: VocabularyContext) -> Artifact:
    """Replace the vocabulary: shared tokens are copied, missing ones are initialized."""
    corpus_stage = read_corpus(context)
    tokenizer = make_new_tokenizer(context, corpus_stage)
    overlap = match_vocabularies(context, tokenizer)
    tokens = tokenize_corpus(context, corpus_stage, tokenizer)
    vectors = train_vectors(context, tokenizer, tokens) if context.method.needs_vectors else None
    mixture = compute_mixture(context, tokenizer, overlap, vectors)
    model = write_model(context, tokenizer, mixture)
    score_vocabularies(context, corpus_stage, tokenizer, tokens, mixture, model)
    return model


def extend(context: VocabularyContext) -> Artifact:
    """Extend the vocabulary by tokens of the language: old rows stay, new ones are initialized."""
    corpus_stage = read_corpus(context)
    language = make_new_tokenizer(context, corpus_stage, name="language")
    tokenizer = make_extended_tokenizer(context, language)
    overlap = match_vocabularies(context, tokenizer)
    vectors = None
    if context.method.needs_vectors:
        language_tokens = tokenize_corpus(context, corpus_stage, language, name="language-tokens")
        vectors = train_vectors(context, language, language_tokens)
    mixture = compute_mixture(context, tokenizer, overlap, vectors, vectors_of=language)
    model = write_model(context, tokenizer, mixture)
    check_equivalence(context, corpus_stage, tokenizer, model)
    tokens = tokenize_corpus(context, corpus_stage, tokenizer)
    score_vocabularies(context, corpus_stage, tokenizer, tokens, mixture, model)
    return model


def trim(context: VocabularyContext) -> Artifact:
    """Trim the vocabulary to what the corpus uses, and check that the model does what it did."""
    corpus_stage = read_corpus(context)
    tokenizer = make_trimmed_tokenizer(context, corpus_stage)
    overlap = match_vocabularies(context, tokenizer)
    mixture = compute_mixture(context, tokenizer, overlap)
    model = write_model(context, tokenizer, mixture)
    check_equivalence(context, corpus_stage, tokenizer, model)
    if context.settings.adapt_tokens:
        tokenize_corpus(context, corpus_stage, tokenizer)
    score_vocabularies(context, corpus_stage, tokenizer, context.run.artifacts["usage"], mixture, model)
    return model


def graft(context: VocabularyContext) -> Artifact:
    """Keep the tokens that the corpus uses as they are, and add some that save many others."""
    corpus_stage = read_corpus(context)
    tokenizer = make_grafted_tokenizer(context, corpus_stage)
    overlap = match_vocabularies(context, tokenizer)
    tokens = tokenize_corpus(context, corpus_stage, tokenizer)
    vectors = None
    if context.method.needs_vectors and len(Overlap.load(overlap.folder / LAYOUT.overlap.name).missing):
        vectors = train_vectors(context, tokenizer, tokens)
    mixture = compute_mixture(context, tokenizer, overlap, vectors)
    model = write_model(context, tokenizer, mixture)
    check_equivalence(context, corpus_stage, tokenizer, model)
    score_vocabularies(context, corpus_stage, tokenizer, tokens, mixture, model)
    return model


WALKS = {"replace": replace, "extend": extend, "trim": trim, "graft": graft}


def last_stage(settings: Settings, source: Source) -> Callable[[VocabularyContext, Artifact], Artifact]:
    """Give the last stage: training, planned before any long work, or nothing."""
    if settings.adapt_tokens is None:
        return lambda context, model: model
    # Trainer takes seconds to import, which those who don't train need not wait for.
    from monoglot.pipeline.training_plan import AdaptPlan

    return AdaptPlan.of(settings, source).run
