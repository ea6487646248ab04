"""How the cost of co-occurrence vectors grows with the corpus, and that a setting bounds the memory.

    python -m benchmarks.vectors_growth --data ../shared/data --megabytes 1 10 40 1000

The first so many megabytes of `de/corpus.txt.gz` in the FOCUS authors' German Unigram 50k tokens. A larger
corpus is made of that text again and again, each time with the tokens of every line in another order, so that
new pairs of neighbors keep coming, more of them than in real text. Each size is a process of its own. The
peak of memory has two parts: what the process itself asked for, and pages of files that the system may drop.
Needs Linux. Writes `results/vectors_growth.json` and the table of `docs/scaling-vectors.md`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks import head, pages
from benchmarks.end_to_end import TARGET, cpu_seconds
from benchmarks.oracle import status_bytes
from monoglot.corpus import open_corpus
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.tokenization.encoding import CorpusWriter, TokenizedCorpus, encode_corpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engines.cooccurrence import Cooccurrence

SEED = 42
BETWEEN_LOOKS_SECONDS = 0.02


def enlarge(corpus: TokenizedCorpus, times: float, vocabulary_size: int, folder: Path) -> TokenizedCorpus:
    """Repeat a corpus with the tokens of each line shuffled; the first time as it is."""
    generator = np.random.default_rng(SEED)
    lines = np.repeat(np.arange(corpus.lines), np.diff(corpus.offsets))
    with CorpusWriter(folder, vocabulary_size) as writer:
        left = round(times * corpus.lines)
        for number in range(int(np.ceil(times))):
            ids = np.asarray(corpus.ids)
            if number:
                ids = ids[np.lexsort((generator.random(len(ids), dtype=np.float32), lines))]
            stop = min(left, corpus.lines)
            bounds = corpus.offsets[: stop + 1].tolist()
            writer.write([ids[a:b] for a, b in pairwise(bounds)], [True] * stop)
            left -= stop
    return TokenizedCorpus.open(folder)


def train(folder: Path, tokenizer: Path, most_pairs: int, threads: int) -> dict[str, float]:
    """Train vectors, while a second thread looks at the memory."""
    corpus, vocabulary = TokenizedCorpus.open(folder), Vocabulary.of(load_tokenizer(tokenizer))
    engine = Cooccurrence(most_pairs=most_pairs) if most_pairs else Cooccurrence()
    own, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(BETWEEN_LOOKS_SECONDS):
            own[0] = max(own[0], status_bytes("RssAnon"))

    watcher = threading.Thread(target=look)
    watcher.start()
    wall, cpu = time.perf_counter(), cpu_seconds()
    vectors = engine.train(corpus, vocabulary, seed=SEED, threads=threads)
    measured = {
        "tokens": corpus.tokens,
        "most_pairs": engine.most_pairs,
        "cpu_seconds": cpu_seconds() - cpu,
        "seconds": time.perf_counter() - wall,
        "tokens_with_a_vector": int(vectors.usable.sum()),
    }
    stop.set()
    watcher.join()
    return {**measured, "own_memory_bytes": own[0], "peak_memory_bytes": status_bytes("VmHWM")}


def main() -> None:
    """Measure, print, save."""
    parser = head.parser(__doc__, "data", threads=2)
    parser.add_argument("--megabytes", nargs="+", type=float, default=[1, 10, 40])
    parser.add_argument("--most-pairs", nargs="+", type=int, default=[0], help="0 for the default")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    arguments = head.parse(parser, checked="--train" not in sys.argv)
    tokenizer = arguments.data / "tokenizers" / TARGET
    if arguments.train:
        print(json.dumps(train(arguments.train, tokenizer, arguments.most_pairs[0], arguments.threads)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        text = open_corpus([str(arguments.data / "de" / "corpus.txt.gz")])
        whole = encode_corpus(load_tokenizer(tokenizer), text.lines(), Path(temporary) / "whole")
        text_megabytes = text.statistics().bytes / 1e6
        for megabytes in arguments.megabytes:
            folder = Path(temporary) / "part"
            enlarge(whole, megabytes / text_megabytes, len(load_tokenizer(tokenizer)), folder)
            for most_pairs in arguments.most_pairs:
                command = [sys.executable, "-m", "benchmarks.vectors_growth", "--data", arguments.data]
                command += ["--most-pairs", str(most_pairs), "--threads", str(arguments.threads)]
                output = subprocess.run(
                    [*command, "--train", folder], check=True, stdout=subprocess.PIPE
                ).stdout
                rows.append({"megabytes": megabytes, **json.loads(output)})
                print(rows[-1], file=sys.stderr, flush=True)
    head.save("vectors_growth", {"threads": arguments.threads, "seed": SEED, "rows": rows})
    print(pages.fill("scaling-vectors.md", "growth", table(rows)))


def table(rows: list[dict[str, float]]) -> str:
    """The figures as Markdown."""
    head = [
        "text MB",
        "tokens",
        "pairs kept, at most",
        "cpu s",
        "wall s",
        "µs a token",
        "own MiB",
        "with files",
    ]
    return pages.table(
        head,
        [
            [
                f"{row['megabytes']:,g}",
                int(row["tokens"]),
                int(row["most_pairs"]),
                row["cpu_seconds"],
                row["seconds"],
                f"{row['cpu_seconds'] / row['tokens'] * 1e6:.2f}",
                round(row["own_memory_bytes"] / 2**20),
                round(row["peak_memory_bytes"] / 2**20),
            ]
            for row in rows
        ],
    )


if __name__ == "__main__":
    main()
