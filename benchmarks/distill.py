r"""How near a specialized sentence encoder comes to its original by distillation on little text.

    python -m benchmarks.distill --original models/e5-small --data ../shared/data --language de \
        --folder /tmp/e5-german --tokens 2000000
    python -m benchmarks.distill … --mode graft --new-tokens 10000 --megabytes 12 --tokens 250000

Gives the original a vocabulary of 50,048 tokens or as many as are asked for, or a graft of so many new tokens
(in `folder/untrained`, unless it is there), trains that on the language's corpus to match the original's
sentence vectors (in `folder/distilled`), and scores these, the original and the original trimmed to the same
text as `benchmarks.sentences` does. Of each: texts per CPU second that are embedded, in two rounds that take
turns. Saved as `benchmarks/results/distill_<language>.json`, that of a graft as
`distill_graft_<new tokens>_<language>.json`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import head
from benchmarks.graft import first_bytes
from benchmarks.sentences import Benchmark, encoder
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.evaluation.sentences import SentenceEncoder
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.training.schedule import TrainingSettings

TIMED_LINES = 400
ROUNDS = 2


def distilled(folder: Path, original: Path, corpus: Path, tokens: int, settings: Settings) -> dict[str, Any]:
    """Specialize and train, or go on where an earlier call was stopped.

    Args:
        folder: Where both models go.
        original: The model that is specialized, and matched.
        corpus: Text.
        tokens: How many tokens to train on.
        settings: How the untrained model is made.

    Returns:
        Seconds, and what the training was.
    """
    untrained = folder / "untrained"
    if not untrained.exists():
        specialize(original, corpus, untrained, settings, progress=Terminal())
    learned = AdaptSettings(
        objective="distill",
        objective_options={"prefix": "query: "},
        teacher=str(original),
        threads=settings.threads,
        seed=settings.seed,
    )
    cpu, wall = time.process_time(), time.perf_counter()
    training = TrainingSettings(tokens=tokens, checks=8)
    done = adapt(untrained, corpus, folder / "distilled", learned, training, progress=Terminal())
    seconds = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return {"seconds": seconds, "training": done.to_dict() if done else {}}


def texts_a_second(encoders: dict[str, SentenceEncoder], lines: list[str]) -> dict[str, list[float]]:
    """Texts that each model embeds in a CPU second, round by round."""
    found: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(ROUNDS):
        for name, encode in encoders.items():
            start = time.process_time()
            encode(lines)
            found[name].append(len(lines) / (time.process_time() - start))
    return found


def main() -> None:
    """Distil, score, save."""
    parser = head.parser(__doc__, "data", "threads", language=head.MUST_BE_GIVEN, seed=42)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--vocabulary-size", type=int, help="for a corpus too small for 50,048 tokens")
    parser.add_argument("--mode", choices=["replace", "graft"], default="replace")
    parser.add_argument("--new-tokens", type=int, help="in mode graft")
    parser.add_argument("--megabytes", type=int, help="of the corpus, from its beginning; by default all")
    arguments = head.parse(parser)
    data = arguments.data / arguments.language
    if not (data / "heldout.txt").exists():
        sys.exit(f"no data: {data} has no heldout.txt; say where the data are with --data")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    corpus = data / "corpus.txt.gz"
    if arguments.megabytes:
        corpus = first_bytes(corpus, arguments.megabytes * 10**6, arguments.folder / "corpus.txt")
    settings = Settings(
        mode=arguments.mode, new_tokens=arguments.new_tokens, vocabulary_size=arguments.vocabulary_size,
        threads=arguments.threads, seed=arguments.seed,
    )  # fmt: skip
    report = distilled(arguments.folder, arguments.original, corpus, arguments.tokens, settings)
    trimmed = arguments.folder / "trimmed"
    if not trimmed.exists():
        trim = Settings(mode="trim", threads=arguments.threads)
        specialize(arguments.original, corpus, trimmed, trim, progress=Terminal())
    folders = {"original": arguments.original, "trimmed": trimmed}
    folders |= {name: arguments.folder / name for name in ("untrained", "distilled")}
    encoders = {name: encoder(folder) for name, folder in folders.items()}
    benchmark = Benchmark(data, encoders["original"])
    scores = {name: benchmark.score(encode) for name, encode in encoders.items()}
    report |= {
        "language": arguments.language,
        "tokens": arguments.tokens,
        "mode": arguments.mode,
        "new_tokens": arguments.new_tokens,
        "corpus_bytes_given": corpus.stat().st_size,
        "seed": arguments.seed,
        "scores": scores,
        "parameters": {name: count_parameters(folder) for name, folder in folders.items()},
        "texts_per_cpu_second": texts_a_second(encoders, benchmark.heldout[:TIMED_LINES]),
    }
    for name, figures in scores.items():
        print(f"{name:<12}" + "".join(f"{key:>10} {value:.3f}" for key, value in figures.items()))
    kind = "" if arguments.mode == "replace" else f"graft_{arguments.new_tokens}_"
    print(head.save(f"distill_{kind}{arguments.language}", report))


if __name__ == "__main__":
    main()
