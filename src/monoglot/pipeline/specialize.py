"""`specialize`: a model and a corpus in, a specialised model out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from monoglot.corpus import Given, inputs_of, open_corpus
from monoglot.initialization.registry import get_method
from monoglot.model.source import Source, open_source
from monoglot.pipeline.inputs import check, check_output, limited_threads
from monoglot.pipeline.report import report_at_end
from monoglot.pipeline.stages import corpus as texts, scores as scoring, tokenizer as tokenizers, weights
from monoglot.pipeline.stages.context import Walk
from monoglot.pipeline.stages.retained import kept_facts
from monoglot.progress import SILENT, Progress
from monoglot.report.summary import Summary
from monoglot.run import Artifact, Run
from monoglot.settings import Settings
from monoglot.vectors.registry import get_engine


def specialize(
    source: str | Path,
    corpus: Given,
    output: str | Path,
    settings: Settings | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> Summary:
    """Give a model a vocabulary made for a corpus, and initialise the new embeddings.

    Every stage writes what it makes into ``output/monoglot`` and is reused if it has been made from the same
    things before; a run that was interrupted goes on where it was.

    Args:
        source: Folder or hub name of the model.
        corpus: Files, globs, folders or hub datasets with text of the target language.
        output: Folder to make; a Hugging Face model folder.
        settings: Everything else.
        overwrite: Whether to replace an output that an earlier run made.
        progress: Where to show how far the work is.

    Returns:
        What was done, in figures.

    Raises:
        InputError: If something that was given can't be used; the message says how to mend it.
    """
    settings = settings or Settings()
    inputs = list(inputs_of(corpus))
    with limited_threads(settings.n_threads):
        # All that can be wrong with the input is looked at before the first minute of work.
        method = get_method(settings.method, settings.method_options)
        engine = get_engine(settings.vectors, settings.vectors_options)
        text = open_corpus(inputs, column=settings.column, heldout=settings.heldout)
        model = open_source(str(source), trust_remote_code=settings.trust_remote_code)
        check_output(output, source, inputs, text, settings)
        check(model, text, settings)
        finish = last_stage(settings, model)
        with Run.open(Path(output), overwrite) as run:
            walk = Walk(run, model, text, method, engine, settings, progress)
            if walk.looked_into and walk.method.needs_vectors:
                walk.looked_into.check()
            result = finish(walk, WALKS[settings.mode](walk))
            hashes = {"corpus": text.fingerprint(), "source": model.key}
            proof = scoring.proved(walk)
            names = {"source": str(source), "corpus": inputs, "hub": model.on_hub}
            kept = kept_facts(walk.run.artifacts["tokenizer"].folder)
            run.publish(
                result, settings=settings, inputs=hashes, seed=settings.seed,
                proof=proof, names=names, kept=kept,
                finish=lambda folder: report_at_end(folder, run.output, model, progress),
            )  # fmt: skip
            return scoring.summary(walk)


def replace(walk: Walk) -> Artifact:
    """A vocabulary of the language's own: shared tokens are copied, the others initialised."""
    survey = texts.survey(walk)
    tokenizer = tokenizers.replaced(walk, survey)
    overlap = tokenizers.overlap(walk, tokenizer)
    tokens = texts.tokens(walk, survey, tokenizer)
    vectors = weights.vectors(walk, tokenizer, tokens) if walk.method.needs_vectors else None
    mixture = weights.mixture(walk, tokenizer, overlap, vectors)
    model = weights.model(walk, tokenizer, mixture)
    scoring.scores(walk, survey, tokenizer, tokens, mixture, model)
    return model


def extend(walk: Walk) -> Artifact:
    """The source vocabulary with tokens of the language added: the old rows stay, the new are initialised."""
    survey = texts.survey(walk)
    language = tokenizers.replaced(walk, survey, name="language")
    tokenizer = tokenizers.extended(walk, language)
    overlap = tokenizers.overlap(walk, tokenizer)
    vectors = None
    if walk.method.needs_vectors:
        language_tokens = texts.tokens(walk, survey, language, name="language-tokens")
        vectors = weights.vectors(walk, language, language_tokens)
    mixture = weights.mixture(walk, tokenizer, overlap, vectors, vectors_of=language)
    model = weights.model(walk, tokenizer, mixture)
    scoring.proof(walk, survey, tokenizer, model)
    tokens = texts.tokens(walk, survey, tokenizer)
    scoring.scores(walk, survey, tokenizer, tokens, mixture, model)
    return model


def trim(walk: Walk) -> Artifact:
    """The source vocabulary without what the corpus never uses: nothing is missing, and that is proved."""
    survey = texts.survey(walk)
    tokenizer = tokenizers.trimmed(walk, survey)
    overlap = tokenizers.overlap(walk, tokenizer)
    mixture = weights.mixture(walk, tokenizer, overlap)
    model = weights.model(walk, tokenizer, mixture)
    scoring.proof(walk, survey, tokenizer, model)
    if walk.settings.adapt_tokens:
        texts.tokens(walk, survey, tokenizer)
    scoring.scores(walk, survey, tokenizer, walk.run.artifacts["usage"], mixture, model)
    return model


WALKS = {"replace": replace, "extend": extend, "trim": trim}


def last_stage(settings: Settings, source: Source) -> Callable[[Walk, Artifact], Artifact]:
    """What happens to the transplanted model: training, if it is wanted; planned before any long work."""
    if settings.adapt_tokens is None:
        return lambda walk, model: model
    # Trainer takes seconds to import, which those who don't train need not wait for.
    from monoglot.pipeline.last_stage import LastStage

    return LastStage.of(settings, source).run
