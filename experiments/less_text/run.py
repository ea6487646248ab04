"""With how much text does a new vocabulary pay, and which mode suits how much?

    python -m experiments.less_text.run --data ../shared/data --models models --language sw

multilingual-e5-small gets a vocabulary from the first 0.1, 0.5, 2 and 10 MB of a corpus, by trim, graft and
replacement, with and without distillation on tokens of that same text, which is read again where it has
fewer. The original and trim are not trained: their vectors are those that distillation aims at. Scored on the
corpus' own held-out lines (in its domain) and on Tatoeba and NTREX (out of it): tokens compared with the
original's, cosine to the original's vectors, P@1 of finding the translation among all, over three draws of
the sentences. Small: 50,000 tokens of training; paper: two million. The result is `small_<language>.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import head, pages
from benchmarks.graft import first_bytes, lengths
from benchmarks.sentences import Benchmark, encoder
from experiments.experiment import Dot, Results, budget, cell, draws, parser, picture
from monoglot import Settings, specialize
from monoglot.evaluation.sentences import SentenceEncoder, mean_cosine
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters

HERE = Path(__file__).parent
MEGABYTES = (0.1, 0.5, 2.0, 10.0)
ARMS = {
    "trim": ("trim", False),
    "graft": ("graft", False),
    "graft, trained": ("graft", True),
    "replace": ("replace", False),
    "replace, trained": ("replace", True),
}
"""Mode, and whether it is trained; a graft that is trained has all new tokens that pay."""
TOKENS = {"small": 50_000, "paper": 2_000_000}


def hits(encode: SentenceEncoder, benchmark: Benchmark, name: str) -> list[float]:
    """P@1 of one set of translations: over all sentences, then over each draw."""
    vectors = encode([pair["sentence"] for pair in benchmark.pairs[name]])
    nearest = (vectors @ benchmark.english[name].T).argmax(axis=1)
    return draws((nearest == np.arange(len(nearest))).astype(float))


def row_of(folder: Path, benchmark: Benchmark) -> dict[str, Any]:
    """All figures of one model."""
    encode = encoder(folder)
    sentences = [pair["sentence"] for pairs in benchmark.pairs.values() for pair in pairs]
    original = benchmark.original
    return {
        "tokens": len(encode.tokenizer),
        "parameters": count_parameters(folder),
        "relative_tokens": lengths(encode, sentences) / lengths(original, sentences),
        "relative_tokens_heldout": lengths(encode, benchmark.heldout) / lengths(original, benchmark.heldout),
        "cosine": mean_cosine(encode(sentences), original(sentences)),
        "cosine_heldout": mean_cosine(encode(benchmark.heldout), benchmark.original_heldout),
    } | {name: hits(encode, benchmark, name) for name in benchmark.pairs}


def made(arguments: Any, mode: str, megabytes: float, tokens: int | None, work: Path) -> Path:
    """The folder of a model, made once.

    Args:
        arguments: Models, data, seed, threads.
        mode: Trim, graft or replace.
        megabytes: How much of the corpus is used.
        tokens: Tokens of distillation, if it is trained.
        work: Where models go.
    """
    output = work / f"{mode}-{megabytes}{f'-{tokens}' if tokens else ''}"
    if not output.exists():
        corpus = arguments.data / arguments.language / "corpus.txt.gz"
        text = first_bytes(corpus, round(megabytes * 1e6), work / f"{megabytes}.txt")
        training = {"objective_options": {"prefix": "query: "}, "checks": 1, "keep": 1} if tokens else {}
        settings = Settings(
            mode=mode, adapt_tokens=tokens, adapt_options=training, seed=arguments.seed,
            threads=arguments.threads,
        )  # fmt: skip
        specialize(arguments.models / "e5-small", [str(text)], output, settings, progress=Terminal())
    return output


def shown(content: Mapping[str, Any]) -> str:
    """A line for each text and mode."""
    lines = []
    for name, row in content["rows"].items():
        saved = [
            f"{1 - row[key]:.1%}".replace("-", "−") for key in ("relative_tokens_heldout", "relative_tokens")
        ]
        lines.append([
            name, f"{row['tokens']:,}", f"{row['parameters'] / 1e6:.1f}M", *saved,
            f"{row['cosine_heldout']:.4f}", f"{row['cosine']:.4f}",
            *(cell(row[one], 3) for one in ("tatoeba", "ntrex")),
        ])  # fmt: skip
    heads = ["", "tokens", "parameters", "tokens saved, own domain", "tokens saved, other text",
             "cosine, own domain", "cosine, other text", "Tatoeba", "NTREX"]  # fmt: skip
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def chart(rows: Mapping[str, Any]) -> str:
    """The picture: how far sentences of other domains are from the original."""
    title = "Text of other domains, 1 - cosine to the original's vectors (less is better)"
    return picture(title, [Dot(name, 1 - row["cosine"]) for name, row in rows.items()])


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Make and score the models that are not in the result yet."""
    work = arguments.work / f"{HERE.name}-{arguments.scale}-{arguments.language}"
    work.mkdir(parents=True, exist_ok=True)
    source = arguments.models / "e5-small"
    benchmark = Benchmark(arguments.data / arguments.language, encoder(source))
    models = {"original": lambda: source}
    for megabytes in MEGABYTES:
        for arm, (mode, is_trained) in ARMS.items():
            tokens = about["adapt_tokens"] if is_trained else None
            models[f"{megabytes} MB, {arm}"] = partial(made, arguments, mode, megabytes, tokens, work)
    results.measure(about, models, lambda name: row_of(models[name](), benchmark))


def main() -> None:
    """Measure what is not in the result yet; write table and result."""
    arguments = head.parse(parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN))
    results = Results(HERE, f"{arguments.scale}_{arguments.language}")
    about = {
        "question": "with how much text does a new vocabulary pay, and which mode suits how much?",
        "language": arguments.language, "adapt_tokens": TOKENS[arguments.scale],
        "seed": arguments.seed, "threads": arguments.threads,
    }  # fmt: skip
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, chart)


if __name__ == "__main__":
    main()
