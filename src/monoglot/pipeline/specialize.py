"""`specialize`: a model and a corpus in, a specialised model out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monoglot.corpus import open_corpus
from monoglot.initialization.registry import get_method
from monoglot.pipeline.settings import Settings
from monoglot.pipeline.source import open_source
from monoglot.pipeline.stages import Walk
from monoglot.pipeline.summary import Summary
from monoglot.pipeline.threads import limited_threads
from monoglot.progress import SILENT, Progress
from monoglot.run import Run
from monoglot.vectors.registry import get_engine


def specialize(
    source: str | Path,
    corpus: str | Path | Sequence[str | Path],
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
        settings: Everything else; the defaults are the paper's.
        overwrite: Whether to replace an output that an earlier run made.
        progress: Where to show how far the work is.

    Returns:
        What was done, in figures.

    Raises:
        InputError: If something that was given can't be used; the message says how to mend it.
    """
    settings = settings or Settings()
    inputs = [str(c) for c in ([corpus] if isinstance(corpus, str | Path) else corpus)]
    with limited_threads(settings.n_threads):
        # All that can be wrong with the input is looked at before the first minute of work.
        method = get_method(settings.method, settings.method_options)
        engine = get_engine(settings.vectors, settings.vectors_options)
        text = open_corpus(inputs, column=settings.column, heldout=settings.heldout)
        model = open_source(str(source), trust_remote_code=settings.trust_remote_code)
        model.check()
        with Run.open(Path(output), overwrite) as run:
            walk = Walk(run, model, text, method, engine, settings, progress)
            survey = walk.survey()
            tokenizer = walk.tokenizer(survey)
            overlap = walk.overlap(tokenizer)
            tokens = walk.tokens(survey, tokenizer)
            vectors = walk.vectors(tokenizer, tokens) if method.needs_vectors else None
            mixture = walk.mixture(tokenizer, overlap, vectors)
            result = walk.model(tokenizer, mixture)
            scores = walk.scores(survey, tokenizer, tokens, mixture, result)
            hashes = {"corpus": text.fingerprint(), "source": model.key}
            run.publish(result, settings=settings, inputs=hashes, seed=settings.seed)
            return walk.summary(scores)
