"""Which tokens of a source tokenizer every tokenizer derived from it carries on, whatever the text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.reserved import is_control, is_reserved
from monoglot.tokenization.surgery import (
    Merge,
    State,
    ids_of,
    merges_of,
    named_tokens,
    post_processor_tokens,
)
from monoglot.tokenization.token import Family

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_WHITESPACE = {Family.SENTENCEPIECE_BPE: frozenset("▁ \t\n\r"), Family.BYTE_LEVEL_BPE: frozenset("ĠĉĊč")}


def carried_tokens(
    source: PreTrainedTokenizerFast, state: State, family: Family, in_use: Collection[str] = ()
) -> list[str]:
    r"""Give the tokens that a newly trained tokenizer keeps whatever the text: special and added ones first.

    These are, in every family:

    - the tokens that have a name (``bos_token``, …), and those that the post-processor or the model's unknown
      token need;
    - every other added token, special or not: chat and control tokens, T5's sentinels, language codes, words
      that the user added. Only tokens in reserve (see ``reserved``) are dropped, unless the chat template or
      a configuration (``in_use``) names them, or they stand before a padding token at the head of the
      vocabulary, which must not move because RoBERTa's positions are counted from it;
    - ordinary pieces that are spelled as control tokens (mT5's ``▁<extra_id_0>``), except in byte-level BPE;
    - the byte tokens ``<0x00>`` … ``<0xFF>`` of a model with byte fallback;
    - in BPE, the runs of spaces, tabs and newlines: a corpus read line by line can't show them.

    Otherwise they are in the source's order of ids. So, at the head of a new vocabulary, those that the
    source has at its head keep their ids (XLM-R's ``<s>`` 0, ``<pad>`` 1, ``</s>`` 2, ``<unk>`` 3), and the
    others follow without gaps.
    """
    ids = ids_of(state)
    added = [token["content"] for token in state["added_tokens"]]
    needed = {str(token) for token in named_tokens(source).values()}
    needed |= set(post_processor_tokens(state["post_processor"])) | _unknown(state)
    template = str(source.chat_template or "")
    kept = {text for text in added if text in needed or text in template or not is_reserved(text)}
    kept |= needed | _leading(source, ids, set(added)) | set(whitespace_tokens(state, family))
    kept |= ids.keys() & set(in_use)
    if family is not Family.BYTE_LEVEL_BPE:
        kept |= {text for text in ids if is_control(text)}
    if state["model"].get("byte_fallback"):
        kept |= {text for text in ids if _BYTE.fullmatch(text)}
    special = needed.union(added)
    return sorted((text for text in ids if text in kept), key=lambda text: text not in special)


def whitespace_tokens(state: State, family: Family) -> list[str]:
    """Give the tokens of a BPE model that are two or more spaces, tabs or newlines, and their parts.

    The sign for a space is left out: it is learned from any text.
    """
    if family not in _WHITESPACE:
        return []
    whitespace = _WHITESPACE[family]
    runs = [text for text in state["model"]["vocab"] if len(text) > 1 and whitespace.issuperset(text)]
    parts = set("".join(runs)).intersection(state["model"]["vocab"]) - {"▁", "Ġ", "Ċ", "ĉ", "č"}
    return [*sorted(parts), *runs]


def whitespace_merges(state: State, family: Family) -> list[Merge]:
    """Give the merges of a BPE model that make runs of whitespace, in order of rank."""
    known = ids_of(state)
    return [
        merge
        for merge in merges_of(state)
        if _WHITESPACE[family].issuperset("".join(merge)) and {*merge, "".join(merge)} <= known.keys()
    ]


def literal_pattern(state: State, carried: Iterable[str]) -> re.Pattern[str] | None:
    """Give a pattern of the carried tokens that are found in text as they stand, before any segmentation.

    What it finds is never seen by the model, so it must not be trained on either. Tokens that are found as
    single words only (``single_word``) are not looked for within other words.
    """
    added = {token["content"]: token for token in state["added_tokens"]}
    texts = [text for text in carried if text in added and text.strip(" \t\r\n▁")]
    patterns = [
        rf"(?<!\w){re.escape(text)}(?!\w)" if added[text].get("single_word") else re.escape(text)
        for text in sorted(texts, key=len, reverse=True)
    ]
    return re.compile("|".join(patterns)) if texts else None


def _unknown(state: State) -> set[str]:
    model = state["model"]
    if model.get("unk_id") is not None:
        return {model["vocab"][model["unk_id"]][0]}
    return {model["unk_token"]} if model.get("unk_token") else set()


def _leading(source: PreTrainedTokenizerFast, ids: dict[str, int], added: set[str]) -> set[str]:
    """All tokens before the padding token, if nothing but added tokens stands there."""
    pad = source.pad_token_id
    before = {text for text, id in ids.items() if pad is not None and id < pad}
    return before if before <= added else set()
