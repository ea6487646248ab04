"""How well auxiliary vectors predict embeddings that are known: a quick proxy for the quality of a space.

    python -m benchmarks.vectors_proxy --data ../shared/data --models /root/models --language de

A fifth of the tokens that the target vocabulary shares with XLM-R's is held out, with all variants of a token
in case and word start on the same side. The rows of multilingual-e5-small for the held-out tokens are rebuilt
by FOCUS (sparsemax of cosines) from those of the rest. The score is the cosine of rebuilt and true row, both
less the mean row, averaged over all held-out tokens; a token without a vector scores zero, as the mean row
does. Each engine is trained once; the spread is over the splits. Only `contextual`, which looks into the
source model, is trained for each split, with a source tokenizer that has lost the held-out tokens: else it
would be shown the rows that it is to predict. The target vocabulary is that of the FOCUS authors for de, ar
and sw, else one trained on the corpus. Writes `results/vectors_proxy_<language>.json`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from safetensors import safe_open
from scipy.sparse import csr_array
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from benchmarks import head, known_tokenizers, pages
from monoglot.corpus import open_corpus
from monoglot.maths.similarity import cosine_sparsemax
from monoglot.model.source import Source
from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.tokenization.overlap import Overlap, match
from monoglot.tokenization.token_forms import METASPACE
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import ModelEngine, TokenVectors
from monoglot.vectors.registry import get_engine

HELD_OUT = 5
"""One in so many forms is held out."""
FREQUENT, RARE = 100, 10
TRAINED_SIZE = 12_000
NEVER = -1_000.0
"""Score of a piece that no segmentation can afford."""
TABLE = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Known:
    """Tokens whose embeddings are known.

    Attributes:
        target_ids: Their target ids.
        source_ids: Their source ids.
        rows: Their embeddings in the source model.
        forms: A number for the form of each, the same for variants in case and word start.
    """

    target_ids: Int64[np.ndarray, " known"]
    source_ids: Int64[np.ndarray, " known"]
    rows: Float32[np.ndarray, "known features"]
    forms: Int64[np.ndarray, " known"]

    def held_out(self, seed: int) -> Bool[np.ndarray, " known"]:
        """Which of them are held out: all variants of one form in ``HELD_OUT``."""
        forms = int(self.forms.max()) + 1
        return np.isin(self.forms, np.random.default_rng(seed).permutation(forms)[: forms // HELD_OUT])


class BlindSource(Source):
    """The source model with a Unigram tokenizer that never produces some of its tokens."""

    def __init__(self, folder: Path, lost: Int64[np.ndarray, " tokens"]) -> None:
        super().__init__(str(folder), folder)
        self.lost = lost

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer; single characters are kept, since everything else is spelled with them."""
        tokenizer = known_tokenizers.load(self.folder)
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        for id in self.lost.tolist():
            piece, _ = state["model"]["vocab"][id]
            if len(piece.strip(METASPACE)) > 1:
                state["model"]["vocab"][id] = [piece, NEVER]
        backend = Tokenizer.from_str(json.dumps(state))
        return PreTrainedTokenizerFast(tokenizer_object=backend, **tokenizer.special_tokens_map)


def main() -> None:
    """Train each engine and score it."""
    parser = head.parser(__doc__, "data", "models", language="de", threads=2)
    parser.add_argument(
        "--engines", nargs="+", default=["characters", "cooccurrence", "contextual", "fasttext"]
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="one split each")
    arguments = head.parse(parser)
    text, model = arguments.data / arguments.language / "corpus.txt.gz", arguments.models / "e5-small"
    if absent := [str(path) for path in (text, model / "model.safetensors") if not path.exists()]:
        print(f"these files are absent: {', '.join(absent)}", file=sys.stderr)
        sys.exit(2)

    tokenizer, source = load_tokenizers(arguments.data, arguments.models, arguments.language, text)
    vocabulary = Vocabulary.of(tokenizer)
    known = read_known(model, vocabulary, match(Vocabulary.of(source), vocabulary))
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        corpus = encode_corpus(
            tokenizer, open_corpus([str(text)]).lines(), Path(folder), threads=arguments.threads
        )
        for name in arguments.engines:
            cpu_seconds, scores = [], []
            for seed in arguments.seeds:
                held_out = known.held_out(seed)
                if not scores or isinstance(get_engine(name), ModelEngine):
                    blind = BlindSource(model, known.source_ids[held_out])
                    vectors, seconds = train(name, corpus, vocabulary, arguments.threads, blind)
                    cpu_seconds.append(seconds)
                scores.append(score(vectors, known, held_out))
            usable = float(vectors.usable[vocabulary.ids].mean())
            spread, mean = np.std(scores, axis=0).tolist(), np.mean(scores, axis=0).tolist()
            lines.append(Line(name, float(np.mean(cpu_seconds)), usable, mean, spread))
            print(pages.table(HEAD, [lines[-1].cells()]).splitlines()[-1], flush=True)
    print(pages.table(HEAD, [line.cells() for line in lines]))
    content = {
        "corpus": {"language": arguments.language, "bytes": text.stat().st_size, "tokens": corpus.tokens},
        "known_tokens": len(known.target_ids),
        "seeds": arguments.seeds,
        "score_columns": HEAD[3:],
        "engines": [asdict(line) for line in lines],
    }
    print(head.save(f"vectors_proxy_{arguments.language}", content))


HEAD = [
    "space",
    "cpu s",
    "tokens with a vector",
    "all",
    f"≥ {FREQUENT} times",
    f"{RARE} … {FREQUENT - 1}",
    f"< {RARE}",
]


@dataclass(frozen=True)
class Line:
    """The figures of one engine; scores for all tokens, frequent, less frequent and rare ones."""

    engine: str
    cpu_seconds: float
    usable: float
    mean: list[float]
    spread: list[float]

    def cells(self) -> list[str]:
        """The line of a table."""
        scores = [f"{mean:.3f} ± {spread:.3f}" for mean, spread in zip(self.mean, self.spread, strict=True)]
        return [self.engine, f"{self.cpu_seconds:.0f}", f"{self.usable:.1%}", *scores]


def load_tokenizers(
    data: Path, models: Path, language: str, text: Path
) -> tuple[PreTrainedTokenizerFast, PreTrainedTokenizerFast]:
    """The FOCUS authors' tokenizer of a language, or one trained on its corpus, and the source's."""
    folders = known_tokenizers.folders(data, models)
    source = known_tokenizers.load(folders["XLM-R"])
    published = folders.get(f"{language} Unigram")
    if published:
        return known_tokenizers.load(published), source
    settings = TokenizerSettings(vocabulary_size=TRAINED_SIZE)
    return train_tokenizer(source, open_corpus([str(text)]).lines(), settings), source


def read_known(model: Path, vocabulary: Vocabulary, overlap: Overlap) -> Known:
    """Look up the source rows of the shared tokens that are no special tokens."""
    special = [token.id for token in vocabulary.special]
    ordinary = ~np.isin(overlap.target_ids, special)
    target_ids, source_ids = overlap.target_ids[ordinary], overlap.source_ids[ordinary]
    with safe_open(model / "model.safetensors", framework="numpy") as file:
        rows = file.get_tensor(TABLE)[source_ids].astype(np.float32)
    texts = [vocabulary.by_id[id].form.decode("utf-8", "replace").casefold() for id in target_ids.tolist()]
    return Known(target_ids, source_ids, rows, np.unique(texts, return_inverse=True)[1])


def train(
    name: str, corpus: TokenizedCorpus, vocabulary: Vocabulary, threads: int, source: Source
) -> tuple[TokenVectors, float]:
    """Train an engine; the second value is its cpu seconds."""
    start = time.process_time()
    engine = get_engine(name)
    model = source if isinstance(engine, ModelEngine) else None
    vectors = engine.train(corpus, vocabulary, seed=42, threads=threads, model=model)
    return vectors, time.process_time() - start


def score(vectors: TokenVectors, known: Known, held_out: Bool[np.ndarray, " known"]) -> Sequence[float]:
    """Centered cosine of rebuilt and true rows: over all held-out tokens, and by count in the corpus."""
    usable = vectors.usable[known.target_ids]
    cosines = rebuilt_cosines(
        vectors, known, np.flatnonzero(held_out & usable), np.flatnonzero(~held_out & usable)
    )
    counts = vectors.counts[known.target_ids]
    bands = [counts >= 0, counts >= FREQUENT, (counts < FREQUENT) & (counts >= RARE), counts < RARE]
    return [float(cosines[held_out & band].mean()) for band in bands]


def rebuilt_cosines(
    vectors: TokenVectors,
    known: Known,
    queries: Int64[np.ndarray, " queries"],
    anchors: Int64[np.ndarray, " anchors"],
) -> Float64[np.ndarray, " known"]:
    """The score of each query; zero for all other tokens."""
    weights = cosine_sparsemax(
        *(torch.from_numpy(vectors.matrix[known.target_ids[part]]) for part in (queries, anchors))
    )
    shape = (len(queries), len(anchors))
    rebuilt = csr_array((weights.weights, weights.indices, weights.indptr), shape=shape) @ known.rows[anchors]
    mean = known.rows.mean(axis=0)
    a, b = rebuilt - mean, known.rows[queries] - mean
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines = np.zeros(len(known.rows))
    cosines[queries] = np.einsum("ij,ij->i", a, b) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return cosines


if __name__ == "__main__":
    main()
