"""What a comparison scores by: a measure that does not depend on the vocabulary."""

from __future__ import annotations

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.evaluation.bits_per_byte import LanguageSettings
from monoglot.evaluation.line_scores import BitsPerByte, Measure, TeacherDistance
from monoglot.model.pooling import Pooling, read_pooling
from monoglot.model.side_files import MODULES
from monoglot.model.source import Source
from monoglot.pipeline.adapt_settings import AdaptSettings
from monoglot.pipeline.orders import SCORED_WORDS
from monoglot.training.objectives.distill import SentenceDistillation
from monoglot.training.registry import get_objective


def choose_measure(source: Source, settings: AdaptSettings) -> Measure:
    """Bits per byte of a language model, or the distance of a sentence encoder to the original.

    Args:
        source: The original.
        settings: What the probes learn, with the objective named.

    Raises:
        ModelError: If the model has neither, or does not say how it makes sentence vectors.
    """
    objective = get_objective(str(settings.objective), settings.objective_options)
    structure = source.checkpoint.structure
    if isinstance(objective, SentenceDistillation):
        if not objective.pooling and not (source.folder / MODULES).is_file():
            raise ModelError(
                f"{source.name} has no sentence-transformers modules that tell how its sentence vectors are "
                "made: give --objective-options.pooling, such as mean"
            )
        pooling = Pooling(objective.pooling) if objective.pooling else read_pooling(source.folder)

        def teacher() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
            return source.model, source.tokenizer

        return TeacherDistance(teacher, pooling, objective.prefix)
    if structure.get_output_embeddings() is None or structure.config.is_encoder_decoder:
        raise ModelError(
            f"{type(structure).__name__} can't be compared: expected a causal or masked language "
            "model, which is scored by bits per byte, or a sentence encoder, by the distance to its original"
        )
    # The same words as during training, so that curves end at the figures of the table.
    return BitsPerByte(LanguageSettings(word_share=SCORED_WORDS))
