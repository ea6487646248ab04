"""What does a model that was specialized for German forget of English and of other languages?

    python -m experiments.forgotten.run --data ../shared/data --models models

multilingual-e5-small gets a German vocabulary by each mode, from the first megabytes of the German corpus,
without training afterwards. Two of the models are also distilled, on German text alone and on text of which a
tenth is English, Swahili and Arabic in equal parts. Each model embeds the same sentences of NTREX in German,
English, Swahili and Arabic; the original embeds their translations (English, and German for the English
ones). Cosine to the original's vector of the same sentence, and P@1 of finding the translation among all,
over three draws of the sentences. Small: 6 MB, 150 sentences, 250,000 tokens of distillation; paper: the
whole corpus, all sentences, and all models distilled on 2 million tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np

from benchmarks import head, pages
from benchmarks.graft import first_bytes
from benchmarks.sentences import encoder
from experiments.experiment import Dot, Results, budget, cell, draws, parser, picture
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.evaluation.labeled_data import read_split
from monoglot.evaluation.sentences import SentenceEncoder
from monoglot.evaluation.tasks.retrieval import Retrieval
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.training.schedule import TrainingSettings

HERE = Path(__file__).parent
TARGET, OTHERS = "de", ("sw", "ar")
LANGUAGES = {"de": "German", "en": "English", "sw": "Swahili", "ar": "Arabic"}
SIZES = {"small": (6_000_000, 150, None), "paper": (10**12, 10**6, 2_000_000)}
MODES = {
    "trim": Settings(mode="trim"),
    "graft +2,000": Settings(mode="graft", new_tokens=2_000),
    "replace": Settings(mode="replace"),
    "extend": Settings(mode="extend"),
    "graft +10,000": Settings(mode="graft", new_tokens=10_000),
}
TRAINED = ("graft +10,000", "replace")
"""Modes that are also distilled."""
TRAINED_TOKENS = {"small": 250_000, "paper": 2_000_000}
ALONE, MIXED = ", distilled on German", ", distilled with 10% of other languages"
MIXED_SHARE = 0.1
"""Share of the bytes of a mixed text that is not German."""


def mixed_text(data: Path, german: Path, output: Path) -> Path:
    """Write a text as long as the German one, a tenth of it in the other languages, in equal parts.

    Args:
        data: Folder of the corpora.
        german: The German text.
        output: The file to write.
    """
    if not output.exists():
        size = german.stat().st_size
        others = [language for language in LANGUAGES if language != TARGET]
        parts = [german.read_bytes()[: round(size * (1 - MIXED_SHARE))]]
        for language in others:
            most = round(size * MIXED_SHARE / len(others))
            corpus = data / language / "corpus.txt.gz"
            parts.append(first_bytes(corpus, most, output.with_name(f"{language}.txt")).read_bytes())
        output.write_bytes(b"".join(part[: part.rfind(b"\n") + 1] for part in parts))
    return output


def sentences(data: Path, most: int) -> dict[str, tuple[list[str], list[str]]]:
    """Sentences of each language, and their translations."""
    pairs = {
        language: read_split(str(data / language / "bitext" / "ntrex_eng.jsonl"), Retrieval.columns, "test")
        .records[:most]
        for language in (TARGET, *OTHERS)
    }  # fmt: skip
    texts = {
        language: ([one["sentence"] for one in found], [one["english"] for one in found])
        for language, found in pairs.items()
    }
    german, english = texts[TARGET]
    return {TARGET: texts[TARGET], "en": (english, german)} | {one: texts[one] for one in OTHERS}


def scores(vectors: np.ndarray, own: np.ndarray, translations: np.ndarray) -> dict[str, list[float]]:
    """Cosine to the original's vectors of the same sentences, and whether the translation is nearest."""
    nearest = (vectors @ translations.T).argmax(axis=1)
    return {
        "cosine": draws((vectors * own).sum(axis=1)),
        "retrieval": draws((nearest == np.arange(len(nearest))).astype(float)),
    }


def model_of(arguments: Any, mode: str, corpus: Path, tokens: int | None, work: Path) -> Path:
    """The folder of a mode's model, made once."""
    output = work / mode.replace(" +", "-").replace(",", "")
    if not output.exists():
        settings = replace(MODES[mode], seed=arguments.seed, threads=arguments.threads, adapt_tokens=tokens)
        specialize(arguments.models / "e5-small", [str(corpus)], output, settings, progress=Terminal())
    return output


def distilled(arguments: Any, start: Path, corpus: Path, tokens: int, output: Path) -> Path:
    """The folder of a model after distillation, made once."""
    if not output.exists():
        settings = AdaptSettings(
            objective="distill", objective_options={"prefix": "query: "},
            teacher=str(arguments.models / "e5-small"), threads=arguments.threads, seed=arguments.seed,
        )  # fmt: skip
        training = TrainingSettings(tokens=tokens, checks=1, keep=1)
        adapt(start, corpus, output, settings, training, progress=Terminal())
    return output


def shown(content: Mapping[str, Any]) -> str:
    """Cosine and P@1 of each language, a mode a line."""
    rows = content["rows"]
    heads = ["", "tokens", "parameters"]
    heads += [f"{name}, cosine" for name in LANGUAGES.values()]
    heads += [f"{name}, P@1" for name in LANGUAGES.values()]
    lines = [
        [
            name, f"{row['tokens']:,}", f"{row['parameters'] / 1e6:.1f}M",
            *(cell(row[language]["cosine"], 4) for language in LANGUAGES),
            *(cell(row[language]["retrieval"], 3) for language in LANGUAGES),
        ]
        for name, row in rows.items()
    ]  # fmt: skip
    return pages.table(heads, lines) + f"\n\n{budget(content)}."


def english(rows: Mapping[str, Any]) -> str:
    """The picture: how far English sentences are from where the original has them."""
    dots = [
        Dot(name, 1 - row["en"]["cosine"][0], stdev(row["en"]["cosine"][1:])) for name, row in rows.items()
    ]
    return picture("English, 1 - cosine to the original; ± is the deviation over three draws", dots)


def measure(arguments: Any, results: Results, about: Mapping[str, Any]) -> None:
    """Make and score the models that are not in the result yet."""
    work = arguments.work / f"{HERE.name}-{arguments.scale}"
    work.mkdir(parents=True, exist_ok=True)
    corpus = first_bytes(
        arguments.data / TARGET / "corpus.txt.gz", about["corpus_bytes"], work / "corpus.txt"
    )
    texts = sentences(arguments.data, about["sentences"])
    original = encoder(arguments.models / "e5-small")
    own = {language: original(texts[language][0]) for language in LANGUAGES}
    others = {language: original(texts[language][1]) for language in LANGUAGES}

    tokens = TRAINED_TOKENS[arguments.scale]

    def made(name: str) -> Path:
        mode, comma, how = name.partition(", distilled")
        folder = model_of(arguments, mode, corpus, about["adapt_tokens"], work)
        if not comma:
            return folder
        is_mixed = comma + how == MIXED
        text = mixed_text(arguments.data, corpus, work / "mixed.txt") if is_mixed else corpus
        output = work / f"{folder.name}-{tokens}-{text.stem}"
        return distilled(arguments, folder, text, tokens, output)

    def row(mode: str) -> dict[str, Any]:
        folder = arguments.models / "e5-small"
        encode: SentenceEncoder | None = None
        if mode != "original":
            folder = made(mode)
            encode = encoder(folder)
        found: dict[str, Any] = {
            language: scores(
                encode(texts[language][0]) if encode else own[language], own[language], others[language]
            )
            for language in LANGUAGES
        }
        size = len(encode.tokenizer) if encode else len(original.tokenizer)
        return {"tokens": size, "parameters": count_parameters(folder)} | found

    trained = [mode + how for mode in TRAINED for how in (ALONE, MIXED)] if not about["adapt_tokens"] else []
    results.measure(about, ("original", *MODES, *trained), row)


def main() -> None:
    """Measure what is not in the result yet; write table and result."""
    arguments = head.parse(parser(__doc__, "data", "models"))
    results = Results(HERE, arguments.scale)
    corpus_bytes, most, tokens = SIZES[arguments.scale]
    about = {
        "question": "what does a model specialized for German forget of English and of other languages?",
        "corpus_bytes": corpus_bytes, "sentences": most, "adapt_tokens": tokens,
        "seed": arguments.seed, "threads": arguments.threads,
    }  # fmt: skip
    if not arguments.table:
        measure(arguments, results, about)
    results.conclude(shown, english)


if __name__ == "__main__":
    main()
