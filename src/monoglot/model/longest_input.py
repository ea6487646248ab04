"""The longest input of a model in tokens: one rule for training, evaluation and vectors."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast


def longest_input_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """Give the most tokens, special ones included, that model and tokenizer take; a huge number if any.

    RoBERTa counts positions from behind the pad token's id, so that many rows of its position table are never
    reached.
    """
    config = model.config.get_text_config()
    limits = [tokenizer.model_max_length]
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - _skipped_positions(model))
    return min(limits)


def _skipped_positions(model: PreTrainedModel) -> int:
    """How many rows of a position table lie before the first token's."""
    tables = (
        module.padding_idx
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding) and "position" in name and module.padding_idx is not None
    )
    return max((padding_id + 1 for padding_id in tables), default=0)
