"""Plain text of one language: re-iterable lines from files or a hub dataset, with a held-out split."""

from __future__ import annotations

from monoglot.corpus.corpus import Corpus, CorpusStatistics, Given, inputs_of, open_corpus
from monoglot.corpus.files import TextSource

__all__ = ["Corpus", "CorpusStatistics", "Given", "TextSource", "inputs_of", "open_corpus"]
