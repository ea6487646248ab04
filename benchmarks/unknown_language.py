r"""What a vocabulary of German does for a sentence encoder that knows English only.

    python -m benchmarks.unknown_language OUT --models models --data ../shared/data --tokens 250000

Gives all-MiniLM-L6-v2 (English WordPiece) the vocabularies that `benchmarks.graft` gives an encoder of many
languages, from the first 12 MB of the German corpus. Each, and the original, is scored before training and
after a distillation from parallel text: a German text is to have the original's vector of its translation,
and English stays as it is. Parallel are the pairs of NTREX and Tatoeba that are not scored, three times,
and a dictionary. Scores: the share of 500 Tatoeba and 500 NTREX sentences whose English translation, embedded
by the original, is found; Spearman's correlation on the German STS test; the mean cosine to the original's
vectors of held-out lines, which says what changed, not what is good. One recipe for all: every parameter is
trained, the body at 1e-4, embeddings at 1e-3, both falling to zero. What is in OUT is not done again. Saved
after every step as `benchmarks/results/unknown_language_de.json`, at the end in docs/low-resource.md.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks import head, pages
from benchmarks.decoder_graft import NEW, remembered, slug
from benchmarks.graft import CORPUS_BYTES, first_bytes, lengths, variants
from benchmarks.sentences import PAIRS, Benchmark
from monoglot import AdaptSettings, adapt, specialize
from monoglot.evaluation.sentences import SentenceEncoder
from monoglot.model.folder import load_model
from monoglot.model.pooling import read_pooling
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.training.schedule import TrainingSettings

LANGUAGE = "de"
REPEATED = 3
"""How often a pair of sentences is in the parallel text, beside once for a word of the dictionary."""
NAMES = {"tatoeba": "Tatoeba", "ntrex": "NTREX", "sts": "STS"}


def encoder(folder: Path) -> SentenceEncoder:
    """The model of a folder; it has no prefix."""
    return SentenceEncoder(load_model(folder), load_tokenizer(folder), read_pooling(folder), "")


def unscored_pairs(bitext: Path) -> list[tuple[str, str]]:
    """The German and English sentences of the bitext that `Benchmark` does not score."""
    pairs = []
    for path in sorted(bitext.glob("*_eng.jsonl")):
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        pairs += [(one["src"], one["eng"]) for one in records[PAIRS:]]
    return [(_one_line(german), _one_line(english)) for german, english in pairs]


def dictionary_pairs(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Turn lines ``english<TAB>german`` around; those that are not two words or phrases are left out."""
    pairs = [line.rstrip("\n").split("\t") for line in lines]
    return [(pair[1], pair[0]) for pair in pairs if len(pair) == 2 and pair[0].strip() and pair[1].strip()]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def write_texts(data: Path, folder: Path) -> tuple[Path, Path, dict[str, int]]:
    """Write the English text to keep and the parallel text; gives both files and how many pairs there are."""
    sentences = unscored_pairs(data / "bitext")
    with gzip.open(next((data / "dict").glob("*_en_*.tsv.gz")), "rt", encoding="utf-8") as file:
        words = dictionary_pairs(file)
    english, parallel = folder / "english.txt", folder / "parallel.tsv"
    english.write_text("".join(f"{pair[1]}\n" for pair in sentences), encoding="utf-8")
    pairs = sentences * REPEATED + words
    parallel.write_text("".join(f"{german}\t{english}\n" for german, english in pairs), encoding="utf-8")
    return english, parallel, {"sentences": len(sentences), "words": len(words)}


def distilled(
    model: Path, original: Path, texts: tuple[Path, Path], output: Path, tokens: int, seed: int
) -> dict[str, Any]:
    """Train a model, unless it is there; gives CPU seconds."""
    options = {
        "parallel": str(texts[1]),
        "hidden": 0.0,
        "word_lists": 0.0,
        "whole_lines": 1.0,
        "composed": False,
    }
    settings = AdaptSettings(
        objective="distill", objective_options=options, teacher=str(original), threads=1, seed=seed
    )
    training = TrainingSettings(
        tokens=tokens, schedule="all", learning_rate=1e-4, embedding_learning_rate=1e-3, decay="linear",
        batch_tokens=1024, checks=1, keep=1,
    )  # fmt: skip
    start = time.process_time()
    adapt(model, texts[0], output, settings, training, progress=Terminal(), overwrite=True)
    return {"cpu_seconds": time.process_time() - start}


def table(rows: Mapping[str, Mapping[str, Any]], sets: Sequence[str]) -> str:
    """A row each vocabulary: what it is, and scores before → after training."""
    tokens = rows["original"]["heldout_tokens"]
    columns = ["", "tokens", "parameters", "tokens saved", "cosine", *(NAMES[name] for name in sets)]
    columns += [f"{NAMES[name]}, trained" for name in sets]
    shown = []
    for name, row in rows.items():
        saved = f"{1 - row['heldout_tokens'] / tokens:.1%}".replace("-", "−")
        cells = [name, f"{row['vocabulary']:,}", f"{row['parameters'] / 1e6:.1f}M", saved]
        cells += [f"{row['before'][one]:.3f}" for one in ("cosine", *sets)]
        shown.append(cells + [f"{row['after'][one]:.3f}" if "after" in row else "–" for one in sets])
    return pages.table(columns, shown)


def main() -> None:
    """Make, train and score what is not done yet."""
    parser = head.parser(__doc__, "data", "models", seed=42)
    parser.add_argument("output", type=Path, help="folder for the models; what is done there is used again")
    parser.add_argument("--tokens", type=int, default=250_000, help="to train each model on")
    arguments = head.parse(parser)
    torch.set_num_threads(1)
    data, folder, seed = arguments.data / LANGUAGE, arguments.output, arguments.seed
    source = arguments.models / "minilm-en"
    if absent := [path for path in (data / "heldout.txt", source) if not path.exists()]:
        sys.exit(f"there is no {absent[0]}: say where models and data are with --models and --data")
    folder.mkdir(parents=True, exist_ok=True)
    corpus = first_bytes(data / "corpus.txt.gz", CORPUS_BYTES, folder / "corpus.txt")
    english, parallel, pairs = write_texts(data, folder)
    benchmark = Benchmark(data, encoder(source))
    sets = [*benchmark.pairs, *(["sts"] if benchmark.sts else [])]
    settings = variants(list(NEW), seed, threads=1)
    models = {name: folder / slug(name) for name in ("original", *settings)} | {"original": source}
    for name, one in settings.items():
        if not models[name].exists():
            specialize(source, [str(corpus)], models[name], one, progress=Terminal())
    content: dict[str, Any] = {
        "question": "what does a vocabulary do for an encoder that does not know the language?",
        "language": LANGUAGE,
        "corpus_bytes": corpus.stat().st_size,
        "tokens": arguments.tokens,
        "pairs": pairs,
        "seed": seed,
    }
    rows: dict[str, dict[str, Any]] = {}

    def scored(folder: Path) -> dict[str, Any]:
        return benchmark.score(encoder(folder))

    for name, model in models.items():
        rows[name] = {"vocabulary": len(load_tokenizer(model)), "parameters": count_parameters(model)}
        rows[name]["heldout_tokens"] = lengths(encoder(model), benchmark.heldout)
        rows[name]["before"] = remembered(folder / f"{slug(name)}.json", partial(scored, model))
        print(name, rows[name], flush=True)
    for name, model in models.items():
        output = folder / f"{slug(name)}-{arguments.tokens}"
        learn = partial(distilled, model, source, (english, parallel), output, arguments.tokens, seed)
        rows[name]["training"] = remembered(Path(f"{output}.training.json"), learn)
        rows[name]["after"] = remembered(Path(f"{output}.json"), partial(scored, output))
        print(
            name,
            rows[name]["after"],
            head.save(f"unknown_language_{LANGUAGE}", content | {"rows": rows}),
            flush=True,
        )
    print(pages.fill("low-resource.md", "unknown-language", table(rows, sets)))


if __name__ == "__main__":
    main()
