"""Which tokens the files of a model name, by text or id: these are in use, whatever they look like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from monoglot.errors import ModelError
from monoglot.model.satellites import sentence_modules, transformer_folder
from monoglot.model.token_ids import BIASES, FORCED, ID_LISTS, ID_SEQUENCES, ONE_ID, TO_ID
from monoglot.tokenization.roles import is_control, is_reserved
from monoglot.untrusted import read_foreign_json

# They name every token there is, or are no settings.
_LISTS_OF_TOKENS = (
    "tokenizer.json",
    "vocab.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "modules.json",
)
_DECODER = "added_tokens_decoder"


def tokens_in_use(folder: Path, tokenizer: PreTrainedTokenizerFast) -> tuple[str, ...]:
    """Find control tokens and tokens in reserve that a configuration or a file beside the weights names.

    So ColBERT's ``[unused0]`` is found, which marks a question, and a token in reserve that ends a text.

    Args:
        folder: A model folder, or a sentence-transformers folder around one.
        tokenizer: Its tokenizer.

    Returns:
        The tokens, as the vocabulary spells them, in order of their ids.

    Raises:
        ModelError: If a file is not JSON.
    """
    vocabulary = tokenizer.get_vocab()
    texts = {id: text for text, id in vocabulary.items()}
    found: set[int] = set()
    modules = [path for _, path in sentence_modules(folder)]
    for place in dict.fromkeys((folder, transformer_folder(folder), *modules)):
        for file in sorted(place.glob("*.json")):
            if file.name in _LISTS_OF_TOKENS or file.name.endswith(".index.json"):
                continue
            for named in _named(_content(file)):
                if isinstance(named, str) and (is_reserved(named) or is_control(named)):
                    found |= {vocabulary[named]} if named in vocabulary else set()
                elif isinstance(named, int) and named in texts:
                    found.add(named)
    return tuple(texts[id] for id in sorted(found))


def _content(file: Path) -> Any:
    if not file.read_bytes()[:64].lstrip().startswith(b"["):
        return read_foreign_json(file, ModelError)
    return read_foreign_json(file, ModelError, list)


def _named(content: Any, key: str = "") -> Iterator[str | int]:
    """Every text, and every number below a name of ids."""
    if isinstance(content, str):
        yield content
    elif type(content) is int:
        if _has_ids(key):
            yield content
    elif isinstance(content, dict):
        for name, inner in content.items():
            if name != _DECODER:
                yield from _named(inner, key if _has_ids(key) else str(name))
    elif isinstance(content, list):
        for inner in content:
            yield from _named(inner, key)


def _has_ids(key: str) -> bool:
    known = (*ID_LISTS, *ID_SEQUENCES, FORCED, BIASES)
    return key in known or ONE_ID.search(key) is not None or TO_ID.search(key) is not None
