"""Roles of tokens (beginning, end, padding, mask, …), and which tokens are reserved or control a model."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from monoglot.tokenization.parts import Parts, Role, Token

_BRACKETED = re.compile(r"▁?[<\[{⟨]+[|｜]?(.+?)[|｜]?[>\]}⟩]+")
_RESERVED = re.compile(
    r"(un[-_ ]?used|not[-_ ]?used|reserved?|place[-_ ]?holder|dummy|filler|blank|empty|special|control|extra"
    r"|pad)"
    r"([-_ ]?(special|control|token|tok|id|no|num|slot))*[-_ ]?\d+",
    re.IGNORECASE,
)
_SENTINEL = re.compile(r"extra_id_\d+")
_WITHOUT_BRACKETS = re.compile(r"▁?madeupword\d+|.*NOTUSED")
_CONTROL = re.compile(r"▁?(<[^\s<>]{2,}>|\[[^\s\[\]]{2,}\])")
_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")
_LAST_OF_RESERVED = frozenset(">]}⟩D")
"""What reserved tokens end with, beside digits: spares nearly all tokens of a vocabulary the search."""


def is_reserved(text: str) -> bool:
    """Whether a token is written as one that was held in reserve, and never trained.

    Such are ``<unused7>`` (Gemma), ``[unused7]`` (BERT), ``madeupword0007``, ``<s>NOTUSED`` (RoBERTa,
    CamemBERT), ``<|reserved_special_token_7|>`` (Llama 3), ``<SPECIAL_7>`` (Mistral), ``<|extra_7|>`` (Qwen)
    and ``<｜place▁holder▁no▁7｜>`` (DeepSeek). T5's sentinels ``<extra_id_7>`` are trained.

    Args:
        text: The token, as the vocabulary writes it.
    """
    last = text[-1:]
    if last not in _LAST_OF_RESERVED and not last.isdecimal():
        return False
    if _WITHOUT_BRACKETS.fullmatch(text):
        return True
    found = _BRACKETED.fullmatch(text)
    inner = found[1].replace("▁", "_") if found else ""
    return _SENTINEL.fullmatch(inner) is None and _RESERVED.fullmatch(inner) is not None


def is_control(text: str) -> bool:
    """Whether an ordinary piece of a vocabulary is written as a token that controls the model.

    Such are mT5's ``▁<extra_id_0>`` and MADLAD's ``<2de>``; bytes such as ``<0x0A>`` and tokens in reserve
    are not.

    Args:
        text: The token, as the vocabulary writes it.
    """
    return _CONTROL.fullmatch(text) is not None and not _BYTE.fullmatch(text) and not is_reserved(text)


NAMED_ROLES = tuple(role for role in Role if role is not Role.CONTROL)

COMMON_TEXTS: Mapping[str, tuple[Role, ...]] = {
    "<s>": (Role.BOS,),
    "<bos>": (Role.BOS,),
    "[BOS]": (Role.BOS,),
    "<|begin_of_text|>": (Role.BOS,),
    "<|startoftext|>": (Role.BOS,),
    "<｜begin▁of▁sentence｜>": (Role.BOS,),
    "</s>": (Role.EOS,),
    "<eos>": (Role.EOS,),
    "[EOS]": (Role.EOS,),
    "<|end_of_text|>": (Role.EOS,),
    "<｜end▁of▁sentence｜>": (Role.EOS,),
    "<|endoftext|>": (Role.BOS, Role.EOS),
    "<pad>": (Role.PAD,),
    "[PAD]": (Role.PAD,),
    "<mask>": (Role.MASK,),
    "[MASK]": (Role.MASK,),
    "<cls>": (Role.CLS,),
    "[CLS]": (Role.CLS,),
    "<sep>": (Role.SEP,),
    "[SEP]": (Role.SEP,),
    "<unk>": (Role.UNK,),
    "[UNK]": (Role.UNK,),
}
"""Common texts, used only where nothing better tells what a special token is for."""


_PRECEDENCE = (Role.EOS, Role.BOS, Role.CLS, Role.SEP, Role.PAD, Role.MASK, Role.UNK)
_STAND_INS: Mapping[Role, tuple[Role, ...]] = {
    Role.CLS: (Role.BOS, Role.EOS, Role.SEP),
    Role.BOS: (Role.CLS, Role.EOS, Role.SEP),
    Role.SEP: (Role.EOS, Role.BOS, Role.CLS),
    Role.EOS: (Role.SEP, Role.BOS, Role.CLS),
    Role.PAD: (Role.EOS, Role.SEP),
}


def counterpart(roles: frozenset[Role], source: Mapping[Role, Token]) -> Token | None:
    """Give the source token that serves what a target token is for.

    A token of several roles (``<s>``: bos and cls) takes the partner of the first of its roles, in the order
    eos, bos, cls, sep, pad, mask, unk, that has one. Where the source serves a role by no token, the tokens
    that bound a text stand in for one another (cls for bos, sep for eos and the reverse first), and the end
    of text for padding, as is the custom with models that have no padding token. Nothing stands in for mask
    and unk.
    """
    wanted = [other for role in _PRECEDENCE if role in roles for other in (role, *_STAND_INS.get(role, ()))]
    return next((source[role] for role in wanted if role in source), None)


def read_roles(
    tokenizer: PreTrainedTokenizerBase | Tokenizer, backend: Tokenizer, parts: Parts
) -> dict[int, frozenset[Role]]:
    """Tell which roles each special token serves.

    The names that the transformers tokenizer gives count (``bos_token`` and so on). Where it gives none, or
    there is only a ``tokenizers.Tokenizer``, the model's unknown token, the post-processor and then common
    texts of special tokens are asked. All other special tokens are ``Role.CONTROL``.

    Returns:
        Roles by token id, special tokens only.
    """
    roles: dict[int, set[Role]] = defaultdict(set)
    special = {id: token.content for id, token in backend.get_added_tokens_decoder().items() if token.special}
    found = list(_named(tokenizer)) or list(_guessed(backend, parts, special))
    for text, role in found:
        id = backend.token_to_id(text)
        if id is not None:
            roles[id].add(role)
    for id in special:
        if not roles[id]:
            roles[id].add(Role.CONTROL)
    return {id: frozenset(served) for id, served in roles.items()}


def _named(tokenizer: PreTrainedTokenizerBase | Tokenizer) -> Iterator[tuple[str, Role]]:
    if isinstance(tokenizer, Tokenizer):
        return
    for role in NAMED_ROLES:
        text = tokenizer.special_tokens_map.get(f"{role}_token")
        if text is not None:
            yield str(text), role


def _guessed(backend: Tokenizer, parts: Parts, special: Mapping[int, str]) -> Iterator[tuple[str, Role]]:
    unknown = getattr(backend.model, "unk_token", None)
    if unknown:
        yield unknown, Role.UNK
    for text in special.values():
        for role in COMMON_TEXTS.get(text, ()):
            yield text, role
    for step in parts.post_processor:
        if step["type"] in ("BertProcessing", "RobertaProcessing"):
            yield step["cls"][0], Role.CLS
            yield step["sep"][0], Role.SEP
        if step["type"] == "TemplateProcessing":
            yield from _template_roles(step["single"])


def _template_roles(single: list[dict[str, dict[str, str]]]) -> Iterator[tuple[str, Role]]:
    """The token right before the text begins it, the one right after it ends it."""
    texts = [piece["SpecialToken"]["id"] if "SpecialToken" in piece else None for piece in single]
    place = texts.index(None)
    if place > 0 and texts[place - 1] not in COMMON_TEXTS:
        yield str(texts[place - 1]), Role.BOS
    if place + 1 < len(texts) and texts[place + 1] not in COMMON_TEXTS:
        yield str(texts[place + 1]), Role.EOS
