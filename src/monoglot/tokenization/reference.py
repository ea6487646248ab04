"""The canonical token forms of PyPI ``deepfocus`` 1.0.1, for comparison with the published method.

They rest on decoding single tokens and on counting markers, so several tokens may share one form (parts of
characters become U+FFFD, runs of spaces become one). By default, the forms of
`monoglot.tokenization.token_forms` are used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from monoglot.tokenization.token_forms import METASPACE, TokenForm

_BYTE_TOKEN = re.compile(r"<0x[0-9,A-F]{2}>")
_MAJORITY = 100


def reference_forms(
    tokenizer: PreTrainedTokenizerBase | Tokenizer, backend: Tokenizer, texts: Mapping[int, str]
) -> list[TokenForm]:
    """Give the reference's canonical form of each token (FOCUS package, ``vocab_helper.py``).

    The word start is whether the canonical form begins with ``▁``, and the form what follows it; so equal
    pairs are equal canonical forms.

    Args:
        tokenizer: The tokenizer as the user gave it; its clean-up of decoded text is applied.
        backend: The same tokenizer's ``tokenizers.Tokenizer``.
        texts: Each token as the vocabulary writes it, by id.

    Returns:
        Form and word start of each of ``texts``, in their order.
    """
    decoded = backend.decode_batch([[id] for id in texts], skip_special_tokens=False)
    if not isinstance(tokenizer, Tokenizer) and _cleans_up(tokenizer, backend):
        decoded = [tokenizer.clean_up_tokenization(text) for text in decoded]
    canonical = _canonicalizer(list(texts.values()))
    forms = (canonical(native, text) for native, text in zip(texts.values(), decoded, strict=True))
    return [TokenForm(form.removeprefix(METASPACE).encode(), form.startswith(METASPACE)) for form in forms]


def _cleans_up(tokenizer: PreTrainedTokenizerBase, backend: Tokenizer) -> bool:
    """Whether ``tokenizer.decode`` removes spaces before punctuation, as it may for all models but BPE."""
    return bool(tokenizer.clean_up_tokenization_spaces) and type(backend.model).__name__ != "BPE"


def _canonicalizer(texts: list[str]) -> Callable[[str, str], str]:
    if sum(text.startswith(METASPACE) for text in texts) > _MAJORITY:
        return _sentencepiece
    if sum(text.startswith("##") for text in texts) > _MAJORITY:
        return _wordpiece
    return _byte_level


def _sentencepiece(native: str, decoded: str) -> str:
    if _BYTE_TOKEN.match(native):
        return native
    return (METASPACE if native.startswith(METASPACE) else "") + decoded.lstrip()


def _byte_level(native: str, decoded: str) -> str:
    return (METASPACE if native.startswith("Ġ") else "") + decoded.lstrip()


def _wordpiece(native: str, decoded: str) -> str:
    return decoded[2:] if decoded.startswith("##") else METASPACE + decoded
