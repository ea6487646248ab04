"""Checks of model, corpus and settings before the first minute of work."""

from __future__ import annotations

import logging

import numpy as np
import torch
from transformers import PreTrainedModel

from monoglot._hf import only_predicts_next
from monoglot.corpus import Corpus
from monoglot.errors import ModelError, TokenizerError
from monoglot.evaluation.equivalence import output
from monoglot.initialization.registry import get_method
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.model.carried_templates import lost_templates
from monoglot.model.given_text import unread_templates
from monoglot.model.pooling import reads_lower_case
from monoglot.model.source import Source, open_source
from monoglot.model.transplant import plan_transplant
from monoglot.pipeline.preview import check_weights
from monoglot.pipeline.stages.context import trim_heap
from monoglot.pipeline.stages.retained import find_kept
from monoglot.settings import AUTO, Settings
from monoglot.tokenization.scripts import check_scripts, scripts_of

logger = logging.getLogger(__name__)


def check(source: Source, text: Corpus, settings: Settings) -> None:
    """Check model, tokenizers, corpus and settings against each other.

    Args:
        source: The source model.
        text: The corpus.
        settings: The settings of the run.

    Raises:
        InputError: If model, tokenizers, corpus and settings are damaged or don't fit each other.
    """
    source.check()
    trim_heap()  # AutoTokenizer's reading of the tokenizer took hundreds of MB
    read_as_the_model_does(text, source)
    find_kept(source, settings.keep_text, settings.keep_tokens)
    if settings.keep_script:
        check_scripts(settings.keep_script, scripts_of(source.vocabulary))
    for problem in unread_templates(source.folder):
        logger.warning("%s", problem)
    if settings.mode != "trim":
        check_method(source, settings)
    if settings.weights:
        check_weights(text, settings.weights)
    if settings.target_tokenizer:
        check_target(source, open_source(settings.target_tokenizer), settings)
    if settings.adapt_tokens is not None:
        check_runs(source, trained=True)
    elif settings.mode != "replace" and not settings.accept_difference:
        try:
            check_runs(source)
        except ModelError as error:
            raise ModelError(
                f"{str(error).rstrip('.')}; --accept-difference makes the model anyway, without a comparison."
            ) from error
    source.forget_model()  # loaded to see whether it can be read


def check_method(source: Source, settings: Settings) -> None:
    """Check the initialization method and its files, and that it can read the model if it has to.

    Raises:
        InputError: If a file is not what it should be, or the model can't be read.
    """
    method = get_method(method_for(source, settings), settings.method_options)
    method.check()
    defaults = Settings()
    for name in ("vectors", "vectors_options"):
        if not method.needs_vectors and getattr(settings, name) != getattr(defaults, name):
            logger.warning("--%s does nothing with --method %s", name.replace("_", "-"), settings.method)
    if method.reads_model and source.why_unread:
        raise ModelError(
            f"--method {settings.method} reads the model, and that fails ({source.why_unread.rstrip('.')}); "
            "choose another method, such as --method blend."
        )
    if settings.method == AUTO and is_headless_encoder(source) and source.why_unread:
        logger.warning("new rows are blended and not predicted: %s", source.why_unread)


def method_for(source: Source, settings: Settings) -> str:
    """Give the name of the initialization method: the one asked for, or the one that suits mode and model.

    Regression was measured to be nearer in encoders without a head. Where a decoder's head is tied to its
    embeddings, it costs a minute and is no better (docs/methods.md).
    """
    if settings.method != AUTO:
        return settings.method
    suits = settings.mode in ("graft", "extend") and is_headless_encoder(source)
    return "regression" if suits and source.why_unread is None else "blend"


def is_headless_encoder(source: Source) -> bool:
    """Whether a model gives states and no logits of tokens, and is not the body of a decoder."""
    structure = source.checkpoint.structure
    type_of_text = structure.config.get_text_config().model_type
    return structure.get_output_embeddings() is None and not only_predicts_next(type_of_text)


def read_as_the_model_does(text: Corpus, source: Source) -> None:
    """Read the corpus in lower case if the model lowercases its input, and log it."""
    if reads_lower_case(source.folder):
        text.lowercase = True
        logger.warning(
            "%s puts text into lower case (do_lower_case of sentence-transformers), so the corpus is "
            "lower-cased too",
            source.name,
        )


def check_target(source: Source, target: Source, settings: Settings) -> None:
    """Check that the model could get a user's tokenizer.

    Raises:
        TokenizerError: If it can't be read, or is of another family than the one that it is to extend.
        ModelError: If the model depends on something that the tokenizer lacks or has elsewhere.
    """
    families = source.vocabulary.family, target.vocabulary.family
    if settings.mode in ("extend", "graft"):
        if families[0] is not families[1]:
            raise TokenizerError(
                f"the source tokenizer is {families[0]} and --target-tokenizer {families[1]}: a vocabulary "
                "can only be extended by a tokenizer of the same family; give one, or choose --mode replace"
            )
        return
    provenance = np.full(target.vocabulary.size, Provenance.UNUSED, np.uint8)
    trained = np.ones(source.checkpoint.tables.rows, bool)
    anything = Mixture(SparseRows.empty(len(provenance)), provenance, trained)
    plan_transplant(source.checkpoint.structure, anything, target.tokenizer, source.tokenizer)
    for lost in lost_templates(source.folder, target.tokenizer):
        logger.warning("%s", lost)


def check_runs(source: Source, loaded: PreTrainedModel | None = None, *, trained: bool = False) -> None:
    """Refuse a model that can't be run on text, before any long work.

    X-MOD needs the language of each text as an input, Whisper needs audio.

    Args:
        source: The model.
        loaded: Its weights, where they are in memory; by default they are loaded for one token, and freed.
        trained: Whether it is to be trained or scored, so that it must want nothing but text.

    Raises:
        ModelError: If it can't be run, or wants something else.
    """
    structure = source.checkpoint.structure
    if trained and structure.main_input_name != "input_ids":
        raise ModelError(
            f"{type(structure).__name__} needs {structure.main_input_name} in addition to text: specialize "
            "can give it a vocabulary, but it can't be trained or scored on text."
        )
    model = loaded or (source.model if source.is_loaded else source.at(source.folder).model)
    with torch.inference_mode():
        output(model, source.tokenizer(["a"], return_tensors="pt"))
