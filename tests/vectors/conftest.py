"""A small tokenized corpus, and a vocabulary in which anything can be put."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from monoglot.tokenization.encoding import CorpusWriter, TokenizedCorpus, encode_corpus
from monoglot.tokenization.vocabulary import Family, Token, Vocabulary
from tests.fixtures.tokenizers import sample


@pytest.fixture(scope="session")
def german(target_tokenizers, tmp_path_factory) -> tuple[TokenizedCorpus, Vocabulary]:
    """1,500 lines of German in 1,000 Unigram tokens."""
    tokenizer = target_tokenizers["unigram"]
    folder = tmp_path_factory.mktemp("german")
    return encode_corpus(tokenizer, sample("de", 1_500), folder, threads=2), Vocabulary.of(tokenizer)


@pytest.fixture
def written(tmp_path) -> Callable[[Sequence[Sequence[int]]], TokenizedCorpus]:
    """Makes a tokenized corpus of the given lines."""

    def write(lines: Sequence[Sequence[int]]) -> TokenizedCorpus:
        with CorpusWriter(tmp_path / "written", 1_000) as writer:
            writer.write(lines, [True] * len(lines))
        return TokenizedCorpus.open(tmp_path / "written")

    return write


@pytest.fixture
def spelled() -> Callable[[Sequence[str]], Vocabulary]:
    """Makes a vocabulary of the given texts; an empty one leaves a gap in the ids."""

    def make(texts: Sequence[str]) -> Vocabulary:
        tokens = (Token(id, text, text.encode(), None) for id, text in enumerate(texts) if text)
        return Vocabulary(Family.UNIGRAM, tuple(tokens))

    return make
