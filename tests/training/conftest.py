"""Tiny models with a tokenized corpus each, as an objective sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.training.objective import Teacher, TrainingContext
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import FAMILIES, sample, unigram

LINES = sample("de", 300)
TAUGHT = sample("de", 60)


@pytest.fixture(scope="session")
def german(source_tokenizers, tmp_path_factory) -> dict[str, TokenizedCorpus]:
    """300 German lines as the tokens of each family's tokenizer."""
    return {
        name: encode_corpus(source_tokenizers[name], LINES, tmp_path_factory.mktemp("tokens"))
        for name in FAMILIES
    }


@pytest.fixture
def context(source_tokenizers, german, tmp_path) -> Callable[..., TrainingContext]:
    """Builds a fresh model of an architecture and all that goes with it."""

    def build(architecture: str, seed: int = 7, **changes) -> TrainingContext:
        make = ARCHITECTURES[architecture]
        tokenizer = source_tokenizers[make.family]
        cache = tmp_path / "cache"
        cache.mkdir(exist_ok=True)
        return TrainingContext(
            make(tokenizer, **changes), tokenizer, german[make.family], lambda: LINES, seed, cache
        )

    return build


@pytest.fixture(scope="session")
def german_tokenizer():
    """A student's tokenizer, trained on German alone."""
    return unigram(sample("de"), 600)


@pytest.fixture
def taught(context, german_tokenizer) -> Callable[..., TrainingContext]:
    """A lesson whose student has a vocabulary of its own, and whose teacher is the multilingual model."""

    def build(**changes) -> TrainingContext:
        given = context("bert-headless")
        student = ARCHITECTURES["bert-headless"](german_tokenizer)
        given = replace(given, model=student, tokenizer=german_tokenizer, lines=lambda: TAUGHT, **changes)
        original = context("bert-headless")
        return replace(given, teacher=Teacher(original.model, original.tokenizer, "a" * 64))

    return build
