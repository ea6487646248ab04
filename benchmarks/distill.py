r"""How near a specialized sentence encoder comes to its original by distillation on little text.

    python -m benchmarks.distill --original models/e5-small --data ../shared/data --language de \
        --folder /tmp/e5-german --tokens 2000000

Gives the original a vocabulary of 50,048 tokens, or as many as are asked for (in `folder/untrained`, unless
it is there), trains that on the language's corpus to match the original's sentence vectors (in
`folder/distilled`), and scores all three as `benchmarks.sentences` does. Of each: texts a cpu-second that are
embedded, in two rounds that take turns. Saved as `benchmarks/results/distill_<language>.json`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import head
from benchmarks.sentences import Benchmark, encoder
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.evaluation.sentences import SentenceEncoder
from monoglot.progress import Terminal
from monoglot.report.summary import count_parameters
from monoglot.training.schedule import TrainingSettings

TIMED_LINES = 400
ROUNDS = 2


def distilled(
    folder: Path, original: Path, corpus: Path, tokens: int, vocabulary: int | None, threads: int | None
) -> dict[str, Any]:
    """Specialize and train, or go on where an earlier call was stopped.

    Args:
        folder: Where both models go.
        original: The model that is specialized, and matched.
        corpus: Text.
        tokens: How many tokens to train on.
        vocabulary: How many tokens the new vocabulary has, if not 50,048.
        threads: How many threads to use.

    Returns:
        Seconds, and what the training was.
    """
    untrained = folder / "untrained"
    if not untrained.exists():
        settings = Settings(vectors="cooccurrence", vocabulary_size=vocabulary, threads=threads)
        specialize(original, corpus, untrained, settings, progress=Terminal())
    learned = AdaptSettings(
        objective="distill",
        objective_options={"prefix": "query: "},
        teacher=str(original),
        threads=threads,
    )
    cpu, wall = time.process_time(), time.perf_counter()
    training = TrainingSettings(tokens=tokens, checks=8)
    done = adapt(untrained, corpus, folder / "distilled", learned, training, progress=Terminal())
    seconds = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    return {"seconds": seconds, "training": done.as_dict() if done else {}}


def texts_a_second(encoders: dict[str, SentenceEncoder], lines: list[str]) -> dict[str, list[float]]:
    """Texts that each model embeds in a second of processor time, round by round."""
    found: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(ROUNDS):
        for name, encode in encoders.items():
            start = time.process_time()
            encode(lines)
            found[name].append(len(lines) / (time.process_time() - start))
    return found


def main() -> None:
    """Distil, score, save."""
    parser = head.parser(__doc__, "data", "threads", language=head.MUST_BE_GIVEN)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--vocabulary-size", type=int, help="for a corpus too small for 50,048 tokens")
    arguments = head.parse(parser)
    data = arguments.data / arguments.language
    if not (data / "heldout.txt").exists():
        sys.exit(f"no data: {data} has no heldout.txt; say where the data are with --data")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    report = distilled(
        arguments.folder, arguments.original, data / "corpus.txt.gz",
        arguments.tokens, arguments.vocabulary_size, arguments.threads,
    )  # fmt: skip
    folders = {"original": arguments.original}
    folders |= {name: arguments.folder / name for name in ("untrained", "distilled")}
    encoders = {name: encoder(folder) for name, folder in folders.items()}
    benchmark = Benchmark(data, encoders["original"])
    scores = {name: benchmark.score(encode) for name, encode in encoders.items()}
    report |= {
        "language": arguments.language,
        "tokens": arguments.tokens,
        "scores": scores,
        "parameters": {name: count_parameters(folder) for name, folder in folders.items()},
        "texts_per_cpu_second": texts_a_second(encoders, benchmark.heldout[:TIMED_LINES]),
    }
    for name, figures in scores.items():
        print(f"{name:<12}" + "".join(f"{key:>10} {value:.3f}" for key, value in figures.items()))
    print(head.save(f"distill_{arguments.language}", report))


if __name__ == "__main__":
    main()
