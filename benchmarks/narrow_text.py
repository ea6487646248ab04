"""What distillation on narrow text does to a sentence encoder elsewhere, by what is trained.

    python -m benchmarks.narrow_text OUT --models models --data ../shared/data

Grafts 2,000 tokens onto multilingual-e5-small with 3 MB of German law (see `benchmarks.little_text`), and
distills that on the same text in two ways: as by default, and the new rows only. Scored on law that is not
part of it (cosine to the original's vectors), and elsewhere: German held-out lines of all kinds, Tatoeba,
NTREX, STS; beside the original and the trimmed model. One seed.
"""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import head
from benchmarks.little_text import LAW, row_of, write_text
from benchmarks.sentences import Benchmark, encoder
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.evaluation.sentences import SentenceEncoder, mean_cosine
from monoglot.training.schedule import TrainingSettings

NEW_TOKENS, MOST_BYTES, LAW_LINES = 2_000, 3_000_000, 500

WAYS: dict[str, dict[str, Any]] = {
    "distilled": {},
    "distilled, new rows only": {"schedule": "new-rows"},
}
"""Options of the training."""


def law_after(corpus: Path, text: Path) -> list[str]:
    """Give lines of law that follow those in the text.

    Args:
        corpus: The corpus that the text was cut from.
        text: Its first lines of law.
    """
    with text.open(encoding="utf-8") as lines:
        before = sum(1 for _ in lines)
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        law = (line.strip() for line in lines if LAW.search(line))
        return list(islice(law, before, before + LAW_LINES))


def main() -> None:
    """Make, train, score, save."""
    parser = head.parser(__doc__, "data", "models", threads=2, seed=42)
    parser.add_argument("output", type=Path, help="folder for the models; what is there is not done again")
    parser.add_argument("--tokens", type=int, default=250_000)
    arguments = head.parse(parser)
    arguments.output.mkdir(parents=True, exist_ok=True)
    source, folder = arguments.models / "e5-small", arguments.data / "de"
    text = write_text(folder / "corpus.txt.gz", MOST_BYTES, LAW, arguments.output / "law.txt")
    unseen = law_after(folder / "corpus.txt.gz", text)
    original = encoder(source)
    benchmark = Benchmark(folder, original)
    vectors_of_law = original(unseen)
    shared = {"seed": arguments.seed, "threads": arguments.threads}

    def scored(encode: SentenceEncoder) -> dict[str, Any]:
        return row_of(benchmark, encode, original) | {
            "cosine_law": mean_cosine(encode(unseen), vectors_of_law)
        }

    rows = {"original": scored(original)}
    modes = {"trim": Settings(mode="trim", **shared), "graft": Settings(new_tokens=NEW_TOKENS, **shared)}
    for mode, settings in modes.items():
        if not (made := arguments.output / mode).exists():
            specialize(source, [str(text)], made, settings)
        rows[mode] = scored(encoder(made))
        print(mode, rows[mode], flush=True)
    for way, training in WAYS.items():
        made = arguments.output / way.replace(" ", "-").replace(",", "")
        learned = AdaptSettings(
            objective="distill",
            objective_options={"prefix": "query: "},
            teacher=str(source),
            **shared,
        )
        if not made.exists():
            budget = TrainingSettings(tokens=arguments.tokens, checks=4, **training)
            adapt(arguments.output / "graft", [str(text)], made, learned, budget)
        rows[way] = scored(encoder(made))
        print(way, rows[way], flush=True)
    result = shared | {"bytes": text.stat().st_size, "tokens": arguments.tokens, "rows": rows}
    print(head.save("narrow_text", result))


if __name__ == "__main__":
    main()
