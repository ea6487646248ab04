"""The reference's canonical forms; expectations follow its `vocab_helper.py`, read, not imported."""

from __future__ import annotations

import pytest

from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.handmade import byte_level_of


def canonical(tokenizer) -> dict[str, str]:
    tokens = Vocabulary.of(tokenizer, canonicalization="reference").tokens
    return {token.text: "▁" * bool(token.word_start) + token.form.decode() for token in tokens}


def expected(tokenizer, family: str) -> dict[str, str]:
    """One `decode` a token, as the reference does."""
    forms = {}
    for text, id in tokenizer.get_vocab().items():
        decoded = tokenizer.decode(id)
        if family == "wordpiece":
            forms[text] = decoded[2:] if decoded.startswith("##") else f"▁{decoded}"
        elif text.startswith("<0x"):
            forms[text] = text
        else:
            marker = "Ġ" if family == "byte-level-bpe" else "▁"
            forms[text] = ("▁" if text.startswith(marker) else "") + decoded.lstrip()
    return forms


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "byte-level-bpe", "sentencepiece-bpe"])
def test_each_family_is_canonicalised_as_in_the_reference(source_tokenizers, family):
    assert canonical(source_tokenizers[family]) == expected(source_tokenizers[family], family)


def test_what_the_reference_confuses():
    forms = canonical(byte_level_of("Ã", "¼", "Ġ", "ĠĠĠ"))
    assert forms["Ã"] == forms["¼"] == "\ufffd"
    assert forms["Ġ"] == forms["ĠĠĠ"] == "▁"
