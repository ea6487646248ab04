"""Tokenizers in folders; apart from models, whose classes take seconds to import."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from monoglot.errors import TokenizerError
from monoglot.model.auto_tokenizer import take_over_input_names, take_over_special_tokens
from monoglot.model.quiet import quiet_transformers
from monoglot.model.satellites import transformer_folder
from monoglot.untrusted import check_regular, read_foreign_json, refusing

TEMPLATE_NAME = re.compile(r"\w[\w.-]*")
logger = logging.getLogger(__name__)

SLOW_VOCABULARIES = ("*.model", "vocab.txt", "vocab.json", "*.spm")
AROUND_TOKENIZER = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Load what tokenizer.json says, without the class-specific changes of ``AutoTokenizer``.

    One thing is changed, with a warning: BPE dropout is switched off.

    Raises:
        TokenizerError: If there is no tokenizer.json, it is damaged, or the configuration beside it is.
    """
    folder = transformer_folder(folder)
    if not (folder / "tokenizer.json").is_file():
        slow = next((file for pattern in SLOW_VOCABULARIES for file in sorted(folder.glob(pattern))), None)
        instead = f"only {slow.name}, a slow tokenizer: convert that to" if slow else "no other: expected"
        raise TokenizerError(
            f"{folder} has no tokenizer.json and {instead} a tokenizer.json of the same model."
        )
    check_regular(folder / "tokenizer.json", TokenizerError)  # parsed once, by the library
    for name in AROUND_TOKENIZER:
        if (folder / name).exists():
            read_foreign_json(folder / name, TokenizerError)
    problem, advice = f"The tokenizer in {folder} can't be read", "correct its files, or get them again"
    with refusing(TokenizerError, problem, advice), quiet_transformers():
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(
            folder, local_files_only=True
        )
    take_over_input_names(tokenizer, folder)
    take_over_special_tokens(tokenizer, folder)
    tokenizer.model_max_length = _longest_input(tokenizer, folder)
    _without_dropout(tokenizer, folder)
    _check_template_names(tokenizer, folder)
    return tokenizer


def _longest_input(tokenizer: PreTrainedTokenizerFast, folder: Path) -> int:
    """``model_max_length``, which files hold as 512, 512.0 or 1e30, as a whole number."""
    longest: object = tokenizer.model_max_length
    if not isinstance(longest, int | float) or not 1 <= longest < math.inf or longest != int(longest):
        raise TokenizerError(
            f"{folder / 'tokenizer_config.json'} has model_max_length {longest!r:.60}; expected a whole "
            "number of tokens, at least 1: correct it."
        )
    return int(longest)


def _check_template_names(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Refuse chat templates whose names transformers would make into paths out of the output."""
    templates = tokenizer.chat_template
    for name in templates if isinstance(templates, dict) else ():
        if not TEMPLATE_NAME.fullmatch(name):
            raise TokenizerError(
                f"{folder / 'tokenizer_config.json'} has a chat template named {name!r}; expected letters, "
                "digits, '_', '-' and '.', as for a file: rename it"
            )


def _without_dropout(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Switch BPE dropout off, and say so: with it the same text is segmented differently each time."""
    model = tokenizer.backend_tokenizer.model
    if dropout := getattr(model, "dropout", None):
        model.dropout = None
        logger.warning(
            "%s asks for BPE dropout (%.2g), which segments the same text differently each time; it is "
            "switched off, here and in what is made of it",
            folder / "tokenizer.json",
            dropout,
        )
