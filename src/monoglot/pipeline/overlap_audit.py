"""`overlap`: what two vocabularies share, and how missing tokens would be initialized."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.corpus import Given, inputs_of, open_corpus
from monoglot.keywords import explains_keywords
from monoglot.model.find import find_folder
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import SILENT, Progress, reporter
from monoglot.result import Highlight, Result, Row
from monoglot.settings import RunSettings
from monoglot.tokenization.audit import OverlapAudit, audit
from monoglot.tokenization.encoding import count_tokens
from monoglot.tokenization.kinds import Evidence, TextCounts, count_inner_words
from monoglot.tokenization.overlap import match
from monoglot.tokenization.pieces import source_pieces
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engines.fasttext import FastText


@dataclass(frozen=True)
class InitializationForecast:
    """How missing tokens would be initialized, as far as is known before training vectors.

    Attributes:
        with_vector: Those that the corpus has often enough for an auxiliary vector; ``None`` without one.
        with_pieces: Those without a vector that the source tokenizer can segment into pieces.
        without: Those with neither: they would be noise.
    """

    with_vector: int | None
    with_pieces: int
    without: int


@dataclass(frozen=True, repr=False)
class OverlapAnalysis(Result):
    """The overlap of two tokenizers, audited.

    Attributes:
        audit: What it consists of.
        prospect: How the missing tokens would be initialized.
    """

    audit: OverlapAudit
    prospect: InitializationForecast

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return self.audit.to_dict() | {"initialization": asdict(self.prospect)}

    def highlights(self) -> Iterator[Highlight]:
        """Give the sizes, what is shared and missing, and how the missing tokens would be initialized."""
        audit, prospect = self.audit, self.prospect
        yield "vocabularies", f"{audit.source_tokens:,} source tokens, {audit.target_tokens:,} target tokens"
        for part in (audit.matched, audit.missing):
            share = part.all.corpus_share
            text = "" if share is None else f", {share:.1%} of the running text"
            yield part.all.name, f"{part.all.tokens:,} target tokens{text}"
        vectors = "" if prospect.with_vector is None else f"{prospect.with_vector:,} with a vector, "
        yield "missing would be", f"{vectors}{prospect.with_pieces:,} from pieces, {prospect.without:,} noise"

    def rows(self) -> list[Row]:
        """Give a row for each group of tokens, of those that both have and of those that are missing."""
        return [
            {"tokens_are": part.all.name, "by": by.removeprefix("by_")} | asdict(group)
            for part in (self.audit.matched, self.audit.missing)
            for by in ("all", "by_kind", "by_script", "by_word_start", "by_length")
            for group in ((part.all,) if by == "all" else getattr(part, by))
        ]


@explains_keywords()
def overlap(
    source: str | Path,
    target: str | Path,
    corpus: Given = (),
    english: Given = (),
    *,
    threads: int | None = None,
    progress: Progress | bool = False,
) -> OverlapAnalysis:
    """Tell what two vocabularies share, and how the missing tokens would be initialized.

    Args:
        source: Folder or hub name of the source model or its tokenizer.
        target: Folder or hub name of the target tokenizer.
        corpus: Text of the target language, to weight tokens by their frequency and to tell kinds apart.
        english: English text, to recognize what is English.
        threads: How many threads encode the text; by default the number of cores.
        progress: Whether to show how far it is, or where.

    Raises:
        InputError: If something that was given can't be used.
    """
    progress, threads = reporter(progress), RunSettings(threads=threads).n_threads
    old, new = (load_tokenizer(find_folder(name)) for name in (str(source), str(target)))
    source_vocabulary, target_vocabulary = Vocabulary.of(old), Vocabulary.of(new)
    pairs = match(source_vocabulary, target_vocabulary)

    def read(inputs: Given) -> TextCounts:
        return read_text(new, inputs, target_vocabulary.size, threads=threads, progress=progress)

    text = read(corpus) if inputs_of(corpus) else None
    evidence = Evidence(text, read(english) if inputs_of(english) else None) if text else None
    has_pieces = np.diff(source_pieces(old, target_vocabulary, pairs.missing).indptr) > 0
    has_vector = np.zeros(len(has_pieces), bool)
    if text:
        has_vector = text.tokens[pairs.missing] >= FastText().min_count
    prospect = InitializationForecast(
        with_vector=int(has_vector.sum()) if text else None,
        with_pieces=int((has_pieces & ~has_vector).sum()),
        without=int((~has_pieces & ~has_vector).sum()),
    )
    return OverlapAnalysis(audit(pairs, source_vocabulary, target_vocabulary, evidence), prospect)


def read_text(
    tokenizer: PreTrainedTokenizerFast,
    inputs: Given,
    size: int,
    *,
    threads: int = 1,
    progress: Progress = SILENT,
) -> TextCounts:
    """Count the tokens and words of a text."""
    corpus = open_corpus(inputs)
    tokens = count_tokens(tokenizer, corpus.lines(), size, threads=threads, progress=progress)
    return TextCounts(tokens, count_inner_words(corpus.lines()))
