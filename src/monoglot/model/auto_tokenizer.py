"""Whether ``AutoTokenizer`` reads a saved tokenizer as it was meant."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from monoglot.model.quiet import quiet_transformers

logger = logging.getLogger(__name__)

PROBE_TOKENS = 2000


def warn_if_read_differently(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Say so if ``AutoTokenizer`` cuts text otherwise than the tokenizer that was saved.

    For some model types, such as qwen2, it rebuilds the tokenizer by rules of its own, whatever class the
    folder names: harmless for byte-level BPE with the same pre-tokenizer, ruinous for others.

    Args:
        folder: The folder of a model with its tokenizer.
        tokenizer: The tokenizer that was saved there.
    """
    text = _probe(tokenizer)
    try:
        with quiet_transformers():
            found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            if found(text).input_ids == tokenizer(text).input_ids:
                return
        does = "cuts text differently with"
    except Exception as error:  # tokenizers raises plain Exception
        does = f"can't read ({error})"
    logger.warning(
        "AutoTokenizer %s the tokenizer in %s, because of the model's type; "
        "load it with PreTrainedTokenizerFast.from_pretrained, which reads it as it is",
        does,
        folder,
    )


def _probe(tokenizer: PreTrainedTokenizerFast) -> str:
    """Text made of tokens from all over the vocabulary."""
    ids = np.linspace(0, len(tokenizer) - 1, min(PROBE_TOKENS, len(tokenizer)), dtype=np.int64)
    return str(tokenizer.decode(ids.tolist(), skip_special_tokens=True))
