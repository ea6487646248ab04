"""Tokenizers in folders; apart from models, whose classes take seconds to import."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from monoglot.errors import TokenizerError
from monoglot.model.quiet import quiet_transformers
from monoglot.model.satellites import transformer_folder
from monoglot.untrusted import check_regular, read_foreign_json, refusing

SLOW_VOCABULARIES = ("*.model", "vocab.txt", "vocab.json", "*.spm")
AROUND_TOKENIZER = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Load exactly what tokenizer.json says, without the class-specific changes of ``AutoTokenizer``.

    Raises:
        TokenizerError: If there is no tokenizer.json, or it is damaged.
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
        return tokenizer
