"""Tiny models with a tokenised corpus each, as an objective sees them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monoglot.tokenization.encoding import encode_corpus
from monoglot.tokenization.tokenized_corpus import TokenizedCorpus
from monoglot.training.objectives.base import Lesson
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import FAMILIES, sample

LINES = sample("de", 300)


@pytest.fixture(scope="session")
def german(source_tokenizers, tmp_path_factory) -> dict[str, TokenizedCorpus]:
    """300 German lines as the tokens of each family's tokenizer."""
    return {
        name: encode_corpus(source_tokenizers[name], LINES, tmp_path_factory.mktemp("tokens"))
        for name in FAMILIES
    }


@pytest.fixture
def lesson(source_tokenizers, german, tmp_path) -> Callable[..., Lesson]:
    """Builds a fresh model of an architecture and all that goes with it."""

    def build(architecture: str, seed: int = 7, **changes) -> Lesson:
        make = ARCHITECTURES[architecture]
        tokenizer = source_tokenizers[make.family]
        cache = tmp_path / "cache"
        cache.mkdir(exist_ok=True)
        return Lesson(make(tokenizer, **changes), tokenizer, german[make.family], lambda: LINES, seed, cache)

    return build
