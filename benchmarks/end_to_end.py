"""The whole initialization from text to embeddings: monoglot beside `deepfocus` 1.0.1, in one run.

    python -m benchmarks.end_to_end --data ../shared/data --models models --environment build/reference

XLM-R's vocabulary and the table of multilingual-e5-small → the FOCUS authors' German Unigram 50k, on
`de/corpus.txt.gz`. Each side is a process of its own that has read the table and both tokenizers before the
clock starts; then everything: the text is tokenized, vectors are trained, tokens are matched, mixed, and the
new table is computed. Vectors have 300 dimensions, as in the paper, else settings are the defaults. Seconds
of processor time include those of child processes; the memory is the peak of the largest process, everything
it has read included. The reference's environment must have fastText (`pip install fasttext`, which needs a
compiler). Needs Linux, for the memory.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmarks import head, pages, reference
from benchmarks.oracle import peak_bytes
from monoglot.corpus import open_corpus
from monoglot.initialization.initialize import initialize
from monoglot.initialization.registry import get_method
from monoglot.initialization.transfer import Transfer
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.stages.context import return_memory
from monoglot.tokenization.encoding import encode_corpus
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.registry import get_engine

TARGET = "focus-de-xlmr-unigram-50k"
SOURCE, TABLE = "e5-small", "embeddings.word_embeddings.weight"
ENGINES = ("cooccurrence", "fasttext")
SEED = 42


@dataclass
class Clock:
    """Seconds of each stage."""

    stages: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done within."""
        wall, cpu = time.perf_counter(), cpu_seconds()
        yield
        self.stages[name] = {"seconds": time.perf_counter() - wall, "cpu_seconds": cpu_seconds() - cpu}

    def to_dict(self) -> dict[str, Any]:
        """All stages and their sum."""
        total = {key: sum(s[key] for s in self.stages.values()) for key in ("seconds", "cpu_seconds")}
        return {**total, "peak_memory_bytes": peak_bytes(), "stages": self.stages}


def cpu_seconds() -> float:
    """Processor time so far, with that of child processes that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def ours(given: Path, result: Path, engine: str, threads: int) -> None:
    """One run of monoglot: the stages of `specialize` in their order, with what is in memory in each."""
    torch.set_num_threads(threads)
    target, embeddings = (
        load_tokenizer(given / "target"),
        load_file(given / "input.safetensors")["embeddings"],
    )
    clock = Clock()
    with clock.stage("tokenize"):
        lines = open_corpus([str(given / "text.txt.gz")]).lines()
        corpus = encode_corpus(target, lines, result / "tokens", threads=threads)
    with clock.stage("vectors"):
        vectors = get_engine(engine).train(corpus, Vocabulary.of(target), seed=SEED, threads=threads)
    return_memory()
    source = load_tokenizer(given / "source")  # read before the reference's clock starts, too
    with clock.stage("overlap"):
        transfer = Transfer.of(source, target, embeddings=embeddings, vectors=vectors)
    with clock.stage("mixture"):
        mixture = initialize(transfer, get_method("focus"), seed=SEED)
    with clock.stage("apply"):
        matrix = mixture.apply(embeddings)
    save_file({"matrix": matrix}, result / "matrix.safetensors")
    (result / "measured.json").write_text(json.dumps(clock.to_dict()))


def measure(command: list[Any], given: Path, **environment: str) -> dict[str, Any]:
    """Run one side."""
    with tempfile.TemporaryDirectory() as folder:
        offline = {**os.environ, "HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": folder, **environment}
        offline |= {"HF_DATASETS_CACHE": f"{folder}/datasets"}
        subprocess.run([*command, given, folder], check=True, env=offline)
        return json.loads((Path(folder) / "measured.json").read_text())


def prepare(data: Path, models: Path, given: Path) -> None:
    """Lay out what both sides read: the text also without compression, which the reference needs."""
    text = data / "de" / "corpus.txt.gz"
    shutil.copy(text, given / "text.txt.gz")
    with gzip.open(text) as packed, (given / "text.txt").open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    for name, folder in (("source", models / SOURCE), ("target", data / "tokenizers" / TARGET)):
        load_tokenizer(folder).save_pretrained(given / name)
    size = len(load_tokenizer(given / "source"))
    with safe_open(models / SOURCE / "model.safetensors", framework="pt") as file:
        save_file({"embeddings": file.get_tensor(TABLE)[:size].clone()}, given / "input.safetensors")


def main() -> None:
    """Measure, print, save."""
    parser = head.parser(__doc__, "data", "models", threads=2)
    parser.add_argument("--environment", type=Path, default=reference.DEFAULT)
    parser.add_argument("--engines", nargs="+", default=list(ENGINES))
    parser.add_argument("--alone", action="store_true", help="monoglot only; nothing is saved")
    parser.add_argument("--ours", help=argparse.SUPPRESS)
    parser.add_argument("folders", nargs="*", type=Path, help=argparse.SUPPRESS)
    arguments = head.parse(parser, checked="--ours" not in sys.argv)
    if arguments.ours:
        ours(*arguments.folders, arguments.ours, arguments.threads)
        return
    python = arguments.environment / "bin" / "python"
    if (
        not arguments.alone
        and subprocess.run([python, "-c", "import deepfocus, fasttext"], check=False).returncode
    ):
        raise SystemExit(f"{arguments.environment} has no deepfocus with fastText: pip install both there")
    threads = str(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        prepare(arguments.data, arguments.models, Path(folder))
        sides = {}
        for engine in arguments.engines:
            command = [sys.executable, "-m", "benchmarks.end_to_end", "--threads", threads, "--ours", engine]
            sides[f"monoglot, {engine}"] = measure(command, Path(folder), OMP_NUM_THREADS=threads)
            show(sides)
        if not arguments.alone:
            oracle = [python, "-W", "ignore", Path(__file__).parent / "oracle.py", "whole"]
            sides["deepfocus"] = measure(
                oracle, Path(folder), OMP_NUM_THREADS=threads, TOKENIZERS_PARALLELISM="false"
            )
            show(sides)
            case = {
                "source": SOURCE,
                "target": TARGET,
                "text_bytes": (Path(folder) / "text.txt").stat().st_size,
            }
            case |= {"threads": arguments.threads, "seed": SEED}
            print(f"saved in {head.save('end_to_end', {'case': case, 'sides': sides})}")


def show(sides: dict[str, dict[str, Any]]) -> None:
    """Print the comparison."""
    theirs = sides.get("deepfocus", {}).get("cpu_seconds")
    lines = [
        [
            name,
            f"{side['cpu_seconds']:.1f}",
            f"{side['seconds']:.1f}",
            f"{side['peak_memory_bytes'] / 2**20:,.0f}",
            f"{theirs / side['cpu_seconds']:.1f}×" if theirs else "",
            ", ".join(f"{stage} {cost['cpu_seconds']:.1f}" for stage, cost in side["stages"].items()),
        ]
        for name, side in sides.items()
    ]
    head = ["side", "cpu s", "wall s", "peak MiB", "fewer cpu s", "cpu s by stage"]
    print(pages.table(head, lines), flush=True)


if __name__ == "__main__":
    main()
