"""Vocabularies of the tiny tokenizers."""

from __future__ import annotations

import pytest

from monoglot.tokenization.vocabulary import Vocabulary


@pytest.fixture(scope="session")
def source_vocabularies(source_tokenizers):
    return {family: Vocabulary.of(tokenizer) for family, tokenizer in source_tokenizers.items()}


@pytest.fixture(scope="session")
def target_vocabularies(target_tokenizers):
    return {family: Vocabulary.of(tokenizer) for family, tokenizer in target_tokenizers.items()}
