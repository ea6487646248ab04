"""Which tokens are held in reserve or control a model, as their spelling tells."""

from __future__ import annotations

import re

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


def is_reserved(text: str) -> bool:
    """Whether a token is spelled as one that was held in reserve, and never trained.

    Such are ``<unused7>`` (Gemma), ``[unused7]`` (BERT), ``madeupword0007``, ``<s>NOTUSED`` (RoBERTa,
    CamemBERT), ``<|reserved_special_token_7|>`` (Llama 3), ``<SPECIAL_7>`` (Mistral), ``<|extra_7|>`` (Qwen)
    and ``<｜place▁holder▁no▁7｜>`` (DeepSeek). T5's sentinels ``<extra_id_7>`` are trained.

    Args:
        text: The token, as the vocabulary spells it.
    """
    if _WITHOUT_BRACKETS.fullmatch(text):
        return True
    found = _BRACKETED.fullmatch(text)
    inner = found[1].replace("▁", "_") if found else ""
    return _SENTINEL.fullmatch(inner) is None and _RESERVED.fullmatch(inner) is not None


def is_control(text: str) -> bool:
    """Whether an ordinary piece of a vocabulary is spelled as a token that controls the model.

    Such are mT5's ``▁<extra_id_0>`` and MADLAD's ``<2de>``; bytes such as ``<0x0A>`` and tokens in reserve
    are not.

    Args:
        text: The token, as the vocabulary spells it.
    """
    return _CONTROL.fullmatch(text) is not None and not _BYTE.fullmatch(text) and not is_reserved(text)
