"""Edits of a tokenizer.json, as pure functions on the parsed file, and the way back to a tokenizer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from monoglot._hf import named_special_tokens
from monoglot.errors import TokenizerError
from monoglot.tokenization.roles import is_reserved
from monoglot.tokenization.vocabulary import backend_of

State = dict[str, Any]
"""A parsed tokenizer.json."""

Merge = tuple[str, str]

_NUMBER = re.compile("[0-9]{2}")
_BYTE = re.compile("<0x[0-9A-F]{2}>")
_OTHER_FILES = ("tokenizer_file", "vocab_file", "merges_file", "special_tokens_map_file", "name_or_path")
_OF_THE_BACKEND = ("tokenizer_object", "backend", "vocab", "merges", "added_tokens_decoder")
_OF_THE_LOADING = ("is_local", "local_files_only", "subfolder", "gguf_file", "trust_remote_code")
# tokenizer.json's post-processor already does what these ask for; given again, transformers would replace it.
_OF_THE_POST_PROCESSOR = ("add_bos_token", "add_eos_token")
_NOT_KEPT = frozenset((*_OTHER_FILES, *_OF_THE_BACKEND, *_OF_THE_LOADING, *_OF_THE_POST_PROCESSOR))
_KEPT_ATTRIBUTES = (
    "model_max_length",
    "padding_side",
    "truncation_side",
    "model_input_names",
    "clean_up_tokenization_spaces",
    "chat_template",
)


def state_of(source: PreTrainedTokenizerFast) -> State:
    """Parse the tokenizer.json of a tokenizer, without truncation and padding.

    Those two belong to the last call, not to the tokenizer: transformers sets them anew at each call, and
    keeping them would truncate or pad the text of whoever uses the backend directly.
    """
    state: State = json.loads(backend_of(source).to_str())
    return state | {"truncation": None, "padding": None}


def ids_of(state: State) -> dict[str, int]:
    """Give the id of each token, added tokens included, in ascending order of id."""
    vocabulary = state["model"]["vocab"]
    if isinstance(vocabulary, list):
        ids = {text: id for id, (text, _) in enumerate(vocabulary)}
    else:
        ids = dict(vocabulary)
    ids |= {token["content"]: token["id"] for token in state["added_tokens"]}
    values = list(ids.values())
    if values == sorted(values):  # as in most files
        return ids
    return dict(sorted(ids.items(), key=lambda item: item[1]))


def scores_of(state: State) -> dict[str, float]:
    """Give the score of each token of a Unigram model."""
    return {text: score for text, score in state["model"]["vocab"]}


def merges_of(state: State) -> list[Merge]:
    """Give the merges of a BPE model in order of rank, from either of the two ways of writing them."""
    merges = state["model"]["merges"]
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in merges)
    return [(left, right) for left, right in pairs]


def splits_digits(state: State) -> bool:
    """Tell whether a tokenizer keeps each digit apart, as Gemma's does: no token of text has two in a row."""
    added = {token["content"] for token in state["added_tokens"]}
    numbers = (text for text in ids_of(state) if _NUMBER.search(text) and text not in added)
    return all(_BYTE.fullmatch(text) or is_reserved(text) for text in numbers)


def merges_into(pieces: Iterable[str], known: Mapping[str, int]) -> list[Merge]:
    """Give every merge that makes one of the pieces out of two known tokens, the first piece's first.

    SentencePiece joins any two neighbors whose concatenation is a piece; a tokenizer.json lists merges. So
    each way to make a piece is one merge, as in the files of Llama and Gemma.

    Args:
        pieces: The tokens to make, in order of rank.
        known: A place for each token of the vocabulary; merges into one piece are ordered by it.
    """
    merges: list[Merge] = []
    for piece in pieces:
        ways = [(piece[:end], piece[end:]) for end in range(1, len(piece))]
        possible = [way for way in ways if way[0] in known and way[1] in known]
        merges += sorted(possible, key=lambda way: (known[way[0]], known[way[1]]))
    return merges


def with_tokens(
    state: State,
    ids: Mapping[str, int],
    *,
    scores: Mapping[str, float] | None = None,
    merges: Sequence[Merge] | None = None,
) -> State:
    """Give a tokenizer.json with another vocabulary, everything else adapted to the new ids.

    Added tokens that are not among the new tokens are dropped; those that are become part of the model's
    vocabulary, so that ids have no gaps. Normalizer, pre-tokenizer and decoder stay.

    Args:
        state: The tokenizer.json to start from; it is not changed.
        ids: The new id of each token.
        scores: The score of each token, for a Unigram model; those without one get 0, as special tokens have.
        merges: The merges, for a BPE model.

    Raises:
        TokenizerError: If the post-processor or the model needs a token that is not among the new ones.
    """
    texts = sorted(ids, key=lambda text: ids[text])
    model = dict(state["model"])
    if isinstance(model["vocab"], list):
        known = scores or {}
        model["vocab"] = [[text, known.get(text, 0.0)] for text in texts]
        if model.get("unk_id") is not None:
            model["unk_id"] = _id_of(state["model"]["vocab"][model["unk_id"]][0], ids)
    else:
        model["vocab"] = {text: ids[text] for text in texts}
        if model.get("unk_token") is not None:
            _id_of(model["unk_token"], ids)
    if merges is not None:
        model["merges"] = [list(merge) for merge in merges]
    added = [
        token | {"id": ids[token["content"]]} for token in state["added_tokens"] if token["content"] in ids
    ]
    return state | {
        "model": model,
        "added_tokens": sorted(added, key=lambda token: token["id"]),
        "post_processor": _renumbered(state["post_processor"], ids),
    }


def model_alone(state: State) -> Tokenizer:
    """Build the model of a tokenizer without the steps around it: it is given words as they reach the model.

    Args:
        state: The tokenizer.json.
    """
    model = state["model"]
    if model["type"] == "Unigram":  # in a fifth of the time that reading it as text takes
        pieces = [(text, score) for text, score in model["vocab"]]
        return Tokenizer(models.Unigram(pieces, model["unk_id"], bool(model.get("byte_fallback"))))
    steps = dict.fromkeys(("normalizer", "pre_tokenizer", "post_processor", "decoder"))
    return Tokenizer.from_str(json.dumps(state | steps | {"added_tokens": []}))


def rebuild(source: PreTrainedTokenizerFast, state: State) -> PreTrainedTokenizerFast:
    """Make a tokenizer of a tokenizer.json, with the configuration of the source tokenizer.

    Special tokens keep their roles and flags; the sides of padding and truncation, the maximal length, the
    chat template, the names of the model's inputs and all other entries of tokenizer_config.json stay.

    The class is ``PreTrainedTokenizerFast``, whatever the source's: others, such as ``XLMRobertaTokenizer``,
    build their own normalizer and pre-tokenizer and ignore those of the file.

    Raises:
        TokenizerError: If the ``tokenizers`` library refuses the tokenizer.json.
    """
    try:
        backend = Tokenizer.from_str(json.dumps(state))
    except Exception as error:  # tokenizers raises plain Exception
        raise TokenizerError(f"the derived tokenizer.json is not valid: {error}") from error
    ids = ids_of(state)
    config = {key: value for key, value in source.init_kwargs.items() if key not in _NOT_KEPT}
    config |= {name: getattr(source, name) for name in _KEPT_ATTRIBUTES}
    config |= {name: token for name, token in named_tokens(source).items() if str(token) in ids}
    config["extra_special_tokens"] = [token for token in source.extra_special_tokens if str(token) in ids]
    return PreTrainedTokenizerFast(tokenizer_object=backend, **config)


def named_tokens(source: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Give the special tokens that have a name (``bos_token``, ``pad_token``, …), with their flags."""
    return named_special_tokens(source)


def post_processor_tokens(processor: State | None) -> list[str]:
    """Give the tokens that a post-processor puts around the text."""
    if processor is None:
        return []
    inner = [text for step in processor.get("processors", ()) for text in post_processor_tokens(step)]
    special = processor.get("special_tokens", {})
    template = [text for entry in special.values() for text in entry["tokens"]]
    return inner + template + [processor[name][0] for name in ("cls", "sep") if name in processor]


def _renumbered(processor: State | None, ids: Mapping[str, int]) -> State | None:
    if processor is None:
        return None
    new = dict(processor)
    if "processors" in new:
        new["processors"] = [_renumbered(step, ids) for step in new["processors"]]
    if "special_tokens" in new:
        new["special_tokens"] = {
            name: entry | {"ids": [_id_of(text, ids) for text in entry["tokens"]]}
            for name, entry in new["special_tokens"].items()
        }
    for name in ("cls", "sep"):
        if name in new:
            text, _ = new[name]
            new[name] = [text, _id_of(text, ids)]
    return new


def _id_of(text: str, ids: Mapping[str, int]) -> int:
    try:
        return ids[text]
    except KeyError:
        raise TokenizerError(
            f"the tokenizer needs its special token {text!r}, which the new vocabulary lacks; keep it"
        ) from None
