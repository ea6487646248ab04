"""fastText on the tokens of the corpus: the auxiliary vectors of the FOCUS paper."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int64

from monoglot._hf import FastTextModel
from monoglot.options import Count, CountOrZero, Dimension, Positive, Weight, Window
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import Engine, EngineInputs, TokenVectors
from monoglot.vectors.registry import engine
from monoglot.vectors.vector_files import writable

CHUNK_TOKENS = 1 << 20
ROWS_PER_NGRAM = 4
"""22% of the n-grams then share a row; with fastText's 2,000,000 rows 6% of 130,000 would."""


@engine("fasttext")
@dataclass(frozen=True)
class FastText(Engine):
    """Trains fastText; the defaults are the paper's settings (and fastText's, where the paper names none).

    Tokens that occur less than ``min_count`` times have no vector and are not usable. With one thread a seed
    gives the same vectors every time, with several it does not: fastText's threads write to one matrix.

    Reference: Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information" (arXiv 1607.04606);
    Dobler & de Melo 2023, appendix A (arXiv 2305.14481).

    Attributes:
        model: Predict a token from its neighbors (``cbow``), or them from it (``skipgram``).
        dim: Length of a vector.
        epochs: Passes over the corpus.
        min_count: Rarer tokens get no vector.
        window: Neighbors to each side.
        negatives: Random tokens set against each true neighbor.
        learning_rate: At the start; it falls to zero.
        subsampling: Tokens of a larger share of the corpus are left out at random.
        shortest_ngram: Characters of the shortest n-grams that share vectors; boundaries count as characters.
        longest_ngram: Characters of the longest; 0 for none at all.
        buckets: Most rows for n-grams; no more than four for each n-gram that the tokens have, so that memory
            (4 × ``dim`` bytes a row) is not spent on rows that nothing uses.
    """

    model: Literal["cbow", "skipgram"] = "cbow"
    dim: Dimension = 300
    epochs: Count = 3
    min_count: Count = 10
    window: Window = 5
    negatives: Count = 10
    learning_rate: Positive = 0.05
    subsampling: Weight = 1e-4
    shortest_ngram: CountOrZero = 3
    longest_ngram: CountOrZero = 6
    buckets: CountOrZero = 2_000_000

    def vectors(self, inputs: EngineInputs) -> TokenVectors:
        """Train fastText; a corpus with less than two tokens that are frequent enough gives no vector."""
        vocabulary = inputs.vocabulary
        counts = inputs.counts
        matrix = np.zeros((vocabulary.size, self.dim), dtype=np.float32)
        usable = np.zeros(vocabulary.size, dtype=bool)
        # With a single word fastText would forever look for a second one to set against it.
        if np.count_nonzero(counts >= self.min_count) > 1:
            with tempfile.TemporaryDirectory(prefix="monoglot-") as folder:
                text = Path(folder) / "tokens.txt"
                write_tokens(inputs.corpus, vocabulary, text, inputs.progress)
                with inputs.progress.task("training fastText"):
                    model = self._train_on(text, self._rows(vocabulary, counts), inputs.seed, inputs.threads)
            known = model.words
            for token in vocabulary.tokens:
                word = writable(token.text)
                if word in known:
                    matrix[token.id] = model.vector(word)
                    usable[token.id] = matrix[token.id].any()
        return TokenVectors(matrix, usable, counts)

    def _rows(self, vocabulary: Vocabulary, counts: Int64[np.ndarray, " target"]) -> int:
        """Rows for the n-grams of all tokens that are frequent enough."""
        ngrams: set[str] = set()
        for token in vocabulary.tokens:
            if counts[token.id] >= self.min_count:
                word = f"<{writable(token.text)}>"
                ngrams.update(
                    word[start : start + length]
                    for length in range(self.shortest_ngram, self.longest_ngram + 1)
                    for start in range(len(word) - length + 1)
                )
        return min(self.buckets, max(1, ROWS_PER_NGRAM * len(ngrams)))

    def _train_on(self, text: Path, buckets: int, seed: int, threads: int) -> FastTextModel:
        return FastTextModel.train(
            text,
            self.model,
            dim=self.dim,
            epoch=self.epochs,
            minCount=self.min_count,
            ws=self.window,
            neg=self.negatives,
            lr=self.learning_rate,
            t=self.subsampling,
            minn=self.shortest_ngram,
            maxn=self.longest_ngram,
            bucket=buckets,
            seed=seed,
            thread=threads,
        )


@engine("fasttext-skipgram")
@dataclass(frozen=True)
class FastTextSkipGram(FastText):
    """fastText by skip-gram: better on rare tokens, and twice as slow."""

    model: Literal["cbow", "skipgram"] = "skipgram"


def write_tokens(
    corpus: TokenizedCorpus, vocabulary: Vocabulary, path: Path, progress: Progress = SILENT
) -> None:
    """Write the corpus as text, line by line: tokens as the vocabulary writes them, a space between them."""
    line_end = vocabulary.size
    words = np.full(line_end + 1, "\n", dtype=object)
    for token in vocabulary.tokens:
        words[token.id] = writable(token.text)
    with (
        path.open("w", encoding="utf-8", newline="\n") as file,
        progress.task("writing the tokens", corpus.lines) as advance,
    ):
        for ids, offsets in corpus.lines_in_chunks(CHUNK_TOKENS):
            with_line_ends = np.insert(ids.astype(np.int64), offsets[1:], line_end)
            file.write(" ".join(words[with_line_ends].tolist()))
            advance(len(offsets) - 1)
