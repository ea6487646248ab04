"""Which tokens a derived tokenizer keeps, why, and in which order they are selected."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64
from transformers import PreTrainedTokenizerFast

from monoglot.errors import SettingError
from monoglot.tokenization.merges import ancestry, characters_of, least_token, line_ends_of
from monoglot.tokenization.parts import Family, Parts, family_of
from monoglot.tokenization.roles import is_control, is_reserved
from monoglot.tokenization.tokenizer_json import (
    Merge,
    State,
    ids_of,
    merges_of,
    named_tokens,
    post_processor_tokens,
)
from monoglot.tokenization.vocabulary import backend_of, forms_of_ids, ids_of_texts, plain_backend

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_WHITESPACE = {Family.SENTENCEPIECE_BPE: frozenset("▁ \t\n\r"), Family.BYTE_LEVEL_BPE: frozenset("ĠĉĊč")}


def retained_tokens(
    source: PreTrainedTokenizerFast,
    state: State,
    family: Family,
    ids: Mapping[str, int],
    in_use: Collection[str] = (),
) -> list[str]:
    r"""Give the tokens that a newly trained tokenizer keeps whatever the text: special and added ones first.

    These are, in every family:

    - the tokens that have a name (``bos_token``, …), and those that the post-processor or the model's unknown
      token need;
    - every other added token, special or not: chat and control tokens, T5's sentinels, language codes, words
      that the user added. Only tokens in reserve (see ``reserved``) are dropped, unless the chat template or
      a configuration (``in_use``) names them, or they stand before a padding token at the head of the
      vocabulary, which must not move because RoBERTa's positions are counted from it;
    - ordinary pieces that are written as control tokens (mT5's ``▁<extra_id_0>``), except in byte-level BPE;
    - the byte tokens ``<0x00>`` … ``<0xFF>`` of a model with byte fallback;
    - in BPE, the runs of spaces, tabs and newlines: a corpus read line by line can't show them.

    Otherwise they are in the source's order of ids. So, at the head of a new vocabulary, those that the
    source has at its head keep their ids (XLM-R's ``<s>`` 0, ``<pad>`` 1, ``</s>`` 2, ``<unk>`` 3), and the
    others follow without gaps.

    Args:
        source: The tokenizer.
        state: Its tokenizer.json.
        family: Its family.
        ids: The id of each of its tokens (`ids_of`).
        in_use: Tokens that the model's configurations name.
    """
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


def _leading(source: PreTrainedTokenizerFast, ids: Mapping[str, int], added: set[str]) -> set[str]:
    """All tokens before the padding token, if nothing but added tokens stands there."""
    pad = source.pad_token_id
    before = {text for text, id in ids.items() if pad is not None and id < pad}
    return before if before <= added else set()


Counts = Int64[np.ndarray, " source"] | Float64[np.ndarray, " source"]

ROUNDING = 1e-9
"""Sums of weights are compared up to this share of them."""


def selection_order(
    source: PreTrainedTokenizerFast, state: State, counts: Counts, keep: Iterable[int] = ()
) -> tuple[list[int], Iterator[int]]:
    """Give the order in which tokens are let in: first what must stay, then the more frequent ones first.

    What a token is merged from stands before it, so any beginning of the order is a valid vocabulary. Of the
    tokens that never occur, those written in characters that do occur come first.

    Args:
        source: The tokenizer.
        state: Its tokenizer.json.
        counts: How often each of its tokens occurs.
        keep: Ids of further tokens that must stay.

    Returns:
        The source ids that must stay, and the others, which are put in order only as far as they are asked
        for: most of a large vocabulary is not.
    """
    ids = ids_of(state)
    backend = backend_of(source)
    family = family_of(backend, Parts.of(backend))
    needs = ancestry(state)
    used = [text for text, id in ids.items() if counts[id] > 0]
    text_of = {id: text for text, id in ids.items()}
    asked = [text_of[id] for id in keep]
    must = [
        *retained_tokens(source, state, family, ids),
        *characters_of(state, family, used, ids),
        *line_ends_of(state, used),
        *least_token(state),
        *asked,
    ]
    admitted: dict[str, None] = {}
    for text in must:
        admitted |= dict.fromkeys([*needs(text), text])

    def others() -> Iterator[int]:
        for text in _by_count(ids, used, counts):
            if text not in admitted:
                new = [one for one in dict.fromkeys([*needs(text), text]) if one not in admitted]
                admitted.update(dict.fromkeys(new))
                yield from (ids[one] for one in new)

    return [ids[text] for text in admitted], others()


def until_all_are_in(required: Iterable[int], others: Iterator[int], wanted: Iterable[int]) -> Iterator[int]:
    """Let tokens in until all that are wanted are in."""
    lacking = set(wanted).difference(required)
    while lacking:
        id = next(others)
        lacking.discard(id)
        yield id


def until_covered(
    required: Collection[int], others: Iterable[int], counts: Counts, coverage: float
) -> Iterator[int]:
    """Let tokens in until they make up a share of all that is counted."""
    wanted = coverage * float(counts.sum()) * (1 - ROUNDING)
    covered = float(counts[list(required)].sum())
    for id in others:
        if covered >= wanted:
            return
        covered += float(counts[id])
        yield id


def until_lines_are_whole(
    required: Collection[int],
    others: Iterable[int],
    lines: Sequence[Collection[int]],
    max_loss: float,
    line_weights: Sequence[float] | None = None,
) -> Iterator[int]:
    """Let tokens in until all but a share of some lines have all their tokens.

    Args:
        required: What is in already.
        others: The tokens to let in, in order.
        lines: The different tokens of each line.
        max_loss: The share.
        line_weights: How much each line counts; by default all the same.

    Raises:
        SettingError: If there are no lines.
    """
    if not lines:
        raise SettingError("max_loss is measured on held-out lines, got none; give some")
    weights = [1.0] * len(lines) if line_weights is None else line_weights
    may_lack = (max_loss + ROUNDING) * sum(weights)
    known = frozenset(required)
    lacking = [frozenset(tokens) - known for tokens in lines]
    n_lacking = [len(tokens) for tokens in lacking]
    lines_with: dict[int, list[int]] = defaultdict(list)
    for place, tokens in enumerate(lacking):
        for id in tokens:
            lines_with[id].append(place)
    lack = sum(weight for weight, n in zip(weights, n_lacking, strict=True) if n)
    for id in others:
        if lack <= may_lack:
            return
        for place in lines_with.get(id, ()):
            n_lacking[place] -= 1
            if n_lacking[place] == 0:
                lack -= weights[place]
        yield id


def _by_count(ids: dict[str, int], used: list[str], counts: Counts) -> Iterator[str]:
    yield from sorted(used, key=lambda text: (-counts[ids[text]], ids[text]))
    characters = set("".join(used))
    unused = [text for text, id in ids.items() if not counts[id] > 0]
    yield from (text for text in unused if characters.issuperset(text))
    yield from (text for text in unused if not characters.issuperset(text))


_CONTINUATION = "##"
_JSON_MARKS = re.compile(r'[Ġ▁]?[\[{]*"{0,2}[\]}]*[,:]?[Ċ\n]?')


@dataclass(frozen=True)
class RetainedText:
    """What is kept beside what a corpus asks for.

    Attributes:
        texts: Texts that are segmented as before: prompts, prefixes, what a chat template writes.
        tokens: Tokens, as the vocabulary writes them.
    """

    persisted_name: ClassVar[str] = "KeptText"

    texts: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()

    @staticmethod
    def of(
        source: PreTrainedTokenizerFast, texts: Iterable[str], tokens_or_texts: Iterable[str]
    ) -> RetainedText:
        """Tell tokens from texts.

        Args:
            source: The tokenizer.
            texts: Texts.
            tokens_or_texts: Each a token, if the vocabulary has one that is written so, or a text, or both: a
                word that is a token inside of words may be another at their start.
        """
        mixed = tuple(dict.fromkeys(tokens_or_texts))
        ids = ids_of_texts(source, mixed)
        tokens = tuple(ids)
        decoded_otherwise = {text for text in tokens if source.decode([ids[text]]) != text}
        marked = decoded_otherwise.union(text for text in tokens if text.startswith(_CONTINUATION))
        further = (text for text in mixed if text not in marked)
        return RetainedText(tuple(dict.fromkeys([*texts, *further])), tokens)

    def token_ids(self, source: PreTrainedTokenizerFast) -> dict[int, None]:
        """The ids of all tokens that these texts are segmented into, wherever they stand, in order.

        Args:
            source: The tokenizer whose segmentation is to stay.
        """
        backend = plain_backend(source)
        forms = [form for text in self.texts for form in forms_of(text, source)]
        encodings = backend.encode_batch_fast(forms, add_special_tokens=False)
        found = dict.fromkeys(id for encoding in encodings for id in encoding.ids)
        if any('{"' in text for text in self.texts):
            vocabulary = source.get_vocab()
            found |= dict.fromkeys(sorted(id for text, id in vocabulary.items() if is_json_mark(text)))
        return found | dict.fromkeys(ids_of_texts(source, self.tokens).values())


def is_json_mark(token: str) -> bool:
    """Whether a token is what stands between the words of JSON, in whatever order a user's tools bring it."""
    return len(token) > 1 and _JSON_MARKS.fullmatch(token) is not None


NOTHING_KEPT = RetainedText()


def segmented_otherwise(
    texts: Sequence[str], source: PreTrainedTokenizerFast, target: PreTrainedTokenizerFast
) -> tuple[str, ...]:
    """Give the texts that two tokenizers, of any families, cut in different places or know differently."""
    cuts = [_forms(texts, tokenizer) for tokenizer in (source, target)]
    return tuple(text for text, *forms in zip(texts, *cuts, strict=True) if forms[0] != forms[1])


def _forms(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> list[list[bytes]]:
    """What the tokens of each text stand for, without the spaces that some families make tokens of."""
    encodings = plain_backend(tokenizer).encode_batch_fast(list(texts), add_special_tokens=False)
    form_of = forms_of_ids(tokenizer, {id for encoding in encodings for id in encoding.ids})
    return [[form for id in encoding.ids if (form := form_of[id].strip(b" "))] for encoding in encodings]


def forms_of(text: str, source: PreTrainedTokenizerFast) -> Sequence[str]:
    """A text as it stands in different places: alone, in a line, after a line or control token, before more.

    Where a text stands decides how its first and last tokens come out: a word start may belong to it, its
    last space to what follows.

    Args:
        text: The text.
        source: The tokenizer, for one of its control tokens.
    """
    bare = text.strip()
    control = next((str(token) for token in (source.eos_token, source.sep_token) if token), "")
    places = (
        text,
        bare,
        f" {bare}",
        f"\n{bare}",
        f"{control}{bare}",
        f"{control}{text}",
        f"{bare}\n",
        f"{text}a",
    )
    return [form for form in dict.fromkeys(places) if form]
