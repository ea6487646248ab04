"""What little or narrow text makes of a sentence encoder, out of its domain, before any training.

    python -m benchmarks.little_text OUT --models models --data ../shared/data

Specializes multilingual-e5-small with the first 100 KB, 1 MB and 4 MB of the Xhosa corpus, and with 4 MB of
German law (the corpus' lines with a section sign, ``Absatz`` or ``Abs.``): by ``--mode trim`` to the corpus'
own tokens (``--language-tokens 0``), by ``--mode trim`` as it is by default, and without options (graft).
Scored on Tatoeba and NTREX, which are of other domains, with ``query: `` before each text, beside the
original: P@1, mean cosine to the original's vectors of these sentences, tokens compared with the original's;
and which translations a model loses and finds that the default trim does not, in both sets together, with the
two-sided p of a sign test. One seed; before training nothing else is drawn by chance. The table goes into
docs/low-resource.md.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from benchmarks import head, pages
from benchmarks.graft import lengths
from benchmarks.sentences import Benchmark, encoder
from monoglot.evaluation.sentences import SentenceEncoder, mean_cosine
from monoglot.pipeline.specialize import specialize
from monoglot.run import read_json
from monoglot.run.layout import LAYOUT
from monoglot.settings import Settings

LAW = re.compile(r"§|\bAbsatz\b|\bAbs\.")
TEXTS = {
    "xh, 100 KB": ("xh", 100_000, None),
    "xh, 1 MB": ("xh", 1_000_000, None),
    "xh, 4 MB": ("xh", 4_000_000, None),
    "de, 4 MB of law": ("de", 4_000_000, LAW),
}


def write_text(corpus: Path, most_bytes: int, pattern: re.Pattern[str] | None, output: Path) -> Path:
    """Write the first lines of a compressed corpus that have the pattern, up to so many bytes."""
    written = 0
    with gzip.open(corpus, "rt", encoding="utf-8") as lines, output.open("w", encoding="utf-8") as file:
        for line in lines:
            if pattern is None or pattern.search(line):
                written += len(line.encode())
                if written > most_bytes:
                    break
                file.write(line)
    return output


def row_of(benchmark: Benchmark, encode: SentenceEncoder, original: SentenceEncoder) -> dict[str, Any]:
    """All figures of one model."""
    sentences = [pair["sentence"] for pairs in benchmark.pairs.values() for pair in pairs]
    scores = benchmark.score(encode)
    return {
        "parameters": sum(parameter.numel() for parameter in encode.model.parameters()),
        "tokens": len(encode.tokenizer),
        "relative_tokens": lengths(encode, sentences) / lengths(original, sentences),
        "cosine_elsewhere": mean_cosine(encode(sentences), original(sentences)),
        "cosine_heldout": scores["cosine"],
        "missed": {name: (~found).nonzero()[0].tolist() for name, found in benchmark.found(encode).items()},
    } | {name: value for name, value in scores.items() if name != "cosine"}


def against_trim(figures: dict[str, Any], trim: dict[str, Any]) -> str:
    """How many translations a model misses that the trim finds, and finds that the trim misses."""
    here, there = (
        {(name, pair) for name, pairs in row["missed"].items() for pair in pairs} for row in (figures, trim)
    )
    lost, gained = len(here - there), len(there - here)
    chance = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    return f"−{lost}, +{gained} (p {'< 0.01' if chance < 0.01 else f'= {chance:.2f}'})"


def table(results: dict[str, Any]) -> str:
    """The results as a table of the documentation."""

    def size(name: str, text: dict[str, Any]) -> str:
        return f"{name.partition(',')[0]}, {text['bytes'] / 1e6:.1f} MB" + " of law" * ("law" in name)

    def row(text: str, mode: str, figures: dict[str, Any], trim: dict[str, Any]) -> list[object]:
        scores = (figures["cosine_elsewhere"], figures["tatoeba"], figures["ntrex"], figures.get("sts"))
        shown = ["–" if score is None else f"{score:.3f}" for score in scores]
        more = figures["relative_tokens"] - 1
        length = f"{more:+.1%}".replace("-", "−")
        changed = "–" if mode == "trim" else against_trim(figures, trim)
        return [text, mode, f"{figures['tokens']:,}", length, *shown, changed]

    columns = ("text", "vocabulary", "tokens", "tokens of other text", "cosine", "Tatoeba", "NTREX", "STS")
    return pages.table(
        (*columns, "translations against trim"),
        [
            row(size(name, text), mode, figures, text["rows"]["trim"])
            for name, text in results.items()
            for mode, figures in text["rows"].items()
        ],
    )


def main() -> None:
    """Make and score all models."""
    parser = head.parser(__doc__, "data", "models", threads=2, seed=42)
    parser.add_argument("output", type=Path, help="folder for the models")
    arguments = head.parse(parser)
    arguments.output.mkdir(parents=True, exist_ok=True)
    source = arguments.models / "e5-small"
    original = encoder(source)
    shared = {"seed": arguments.seed, "threads": arguments.threads}
    modes = {
        "trim, own tokens": Settings(mode="trim", language_tokens=0, **shared),
        "trim": Settings(mode="trim", **shared),
        "graft": Settings(**shared),
    }
    results: dict[str, Any] = {}
    for name, (language, most_bytes, pattern) in TEXTS.items():
        folder = arguments.data / language
        benchmark = Benchmark(folder, original)
        text = write_text(folder / "corpus.txt.gz", most_bytes, pattern, arguments.output / "text.txt")
        rows: dict[str, Any] = {"original": row_of(benchmark, original, original)}
        for mode, settings in modes.items():
            output = arguments.output / "model"
            specialize(source, [str(text)], output, settings, overwrite=True)
            kept = read_json(output / LAYOUT.home / LAYOUT.kept)["reasons"]
            rows[mode] = row_of(benchmark, encoder(output), original) | {"kept": kept}
            print(name, mode, rows[mode], flush=True)
        results[name] = {"bytes": text.stat().st_size, "rows": rows}
    print(head.save("little_text", {**shared, "texts": results}))
    print(pages.fill("low-resource.md", "little-text", table(results)))


if __name__ == "__main__":
    main()
