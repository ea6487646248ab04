"""How a model that is trained for a task is given texts, whatever its tokenizer is set to."""

from __future__ import annotations

import copy
import inspect

from transformers import PreTrainedModel, PreTrainedTokenizerFast

SEGMENTS = "token_type_ids"


def reading_tokenizer(tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel) -> PreTrainedTokenizerFast:
    """Give a tokenizer like another that pads and cuts at the end, and names the inputs that a model takes.

    Labels of words and answers are places in a text, and positions of many models are counted from the first
    place of a row: padding before the text would shift both.

    Args:
        tokenizer: A tokenizer, which is left alone.
        model: What reads: it is given segment ids if it has embeddings for more than one segment.
    """
    reading = copy.copy(tokenizer)
    reading.padding_side = reading.truncation_side = "right"
    names = [name for name in tokenizer.model_input_names if name != SEGMENTS]
    if takes_segments(model, named=SEGMENTS in tokenizer.model_input_names):
        names.append(SEGMENTS)
    reading.model_input_names = names
    return reading


def takes_segments(model: PreTrainedModel, *, named: bool) -> bool:
    """Tell whether a model tells the texts of a pair apart by segment ids.

    Args:
        model: The model.
        named: Whether its tokenizer says so, which counts where the configuration has no number of segments.
    """
    if SEGMENTS not in inspect.signature(model.forward).parameters:
        return False
    segments = getattr(model.config.get_text_config(), "type_vocab_size", None)
    return named if segments is None else segments > 1
