"""FOCUS' last step (similarity → sparsemax → weighted sum): monoglot beside `deepfocus`, in one run.

    python -m benchmarks.focus_step [--environment build/reference]

11,910 missing tokens × 7,180 anchors × 768 dimensions, as in German XLM-R with 50 MB of law. The vectors
(see `vectors`) are those of words of `tests/data`; the rows to be mixed are noise, which costs the same.
Each side runs in a process of its own, alone, after a warm-up. Then monoglot alone on larger cases: the
memory that it adds must not grow with |missing| × |anchors|. Needs Linux, for the memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from benchmarks import head, reference
from benchmarks.oracle import peak_bytes, reset_peak
from benchmarks.vectors import ngram_vectors
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.similarity import cosine_sparsemax
from monoglot.maths.sparse import SparseRows

N_MISSING, N_ANCHORS, N_FEATURES = 11_910, 7_180, 768
GROWTH = ((11_910, 7_180), (24_000, 14_000), (48_000, 28_000))
SEED = 42
TEXTS = Path(__file__).parent.parent / "tests" / "data"


def word_vectors() -> torch.Tensor:
    """Vectors of all words of the sample texts, in random order."""
    words = sorted({word for path in TEXTS.glob("*.txt") for word in path.read_text("utf-8").split()})
    shuffled = torch.randperm(len(words), generator=torch.Generator().manual_seed(SEED))
    return ngram_vectors(words)[shuffled]


def case(matrix: torch.Tensor, n_missing: int, n_anchors: int) -> dict[str, torch.Tensor]:
    """Auxiliary vectors and source rows; where there are too few words, others stand a little beside them."""
    generator = torch.Generator().manual_seed(SEED)
    wanted = n_missing + n_anchors
    chosen = matrix.repeat(-(-wanted // len(matrix)), 1)[:wanted]
    moved = 0.3 * matrix.std() * torch.randn(chosen.shape, generator=generator)
    chosen = chosen + moved * (torch.arange(wanted) >= len(matrix))[:, None]
    sources = torch.randn(n_anchors, N_FEATURES, generator=generator)
    return {"anchors": chosen[:n_anchors].clone(), "missing": chosen[n_anchors:].clone(), "sources": sources}


def ours(given: Path, result: Path) -> None:
    """The side of monoglot, in the form of `oracle.step`."""
    tensors = load_file(given / "input.safetensors")
    missing, anchors, sources = (tensors[name] for name in ("missing", "anchors", "sources"))
    apply(cosine_sparsemax(missing[:8], anchors[:16]), sources)
    before, wall, cpu = reset_peak(), time.perf_counter(), time.process_time()
    weights = cosine_sparsemax(missing, anchors)
    added = peak_bytes() - before
    matrix = apply(weights, sources)
    measured = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_memory_bytes": peak_bytes(),
        "added_memory_bytes": peak_bytes() - before,
        "added_by_weights_bytes": added,
        "mean_support": float(weights.lengths.mean()),
        "max_support": int(weights.lengths.max()),
    }
    (result / "measured.json").write_text(json.dumps(measured))
    save_file({"matrix": matrix}, result / "step.safetensors")


def apply(weights: SparseRows, sources: torch.Tensor) -> torch.Tensor:
    """The weighted sums."""
    provenance = np.full(len(weights), Provenance.METHOD, np.uint8)
    return Mixture(weights, provenance, np.ones(len(sources), bool)).apply(sources)


def measure(command: list[Any], tensors: dict[str, torch.Tensor]) -> tuple[dict[str, float], torch.Tensor]:
    """Run one side in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        save_file(tensors, Path(folder) / "input.safetensors")
        subprocess.run([*command, folder, folder], check=True)
        measured = json.loads((Path(folder) / "measured.json").read_text())
        return measured, load_file(Path(folder) / "step.safetensors")["matrix"]


def main() -> None:
    """Measure, print, save."""
    parser = head.parser(__doc__)
    parser.add_argument("--environment", type=Path, default=reference.DEFAULT)
    parser.add_argument("--ours", nargs=2, type=Path, metavar=("INPUT", "OUTPUT"), help=argparse.SUPPRESS)
    arguments = head.parse(parser)
    if arguments.ours:
        ours(*arguments.ours)
        return
    python = reference.ensure(arguments.environment)
    oracle = [python, "-W", "ignore", Path(__file__).parent / "oracle.py", "step"]
    monoglot = [sys.executable, "-m", "benchmarks.focus_step", "--ours"]
    matrix = word_vectors()
    tensors = case(matrix, N_MISSING, N_ANCHORS)
    our_cost, our_rows = measure(monoglot, tensors)
    their_cost, their_rows = measure(oracle, tensors)
    difference = float((our_rows - their_rows).abs().max())
    growth = []
    for n_missing, n_anchors in GROWTH:
        cost, _ = measure(monoglot, case(matrix, n_missing, n_anchors))
        growth.append({"missing": n_missing, "anchors": n_anchors, **cost})
    path = head.save(
        "focus_step",
        {
            "case": {"missing": N_MISSING, "anchors": N_ANCHORS, "features": N_FEATURES, "seed": SEED},
            "monoglot": our_cost,
            "deepfocus": their_cost,
            "speedup": their_cost["seconds"] / our_cost["seconds"],
            "max_difference": difference,
            "growth": growth,
        },
    )
    show(our_cost, their_cost, difference, growth)
    print(f"saved in {path}")


def show(ours: dict[str, float], theirs: dict[str, float], difference: float, growth: list[dict]) -> None:
    """Print the comparison."""
    print(f"similarity → sparsemax → sum, {N_MISSING:,} × {N_ANCHORS:,} × {N_FEATURES}")
    for name, cost in (("monoglot", ours), ("deepfocus", theirs)):
        times = f"{cost['seconds']:8.2f} s wall {cost['cpu_seconds']:8.2f} s cpu"
        memory = f"{cost['added_memory_bytes'] / 2**20:8,.0f} MiB added"
        print(f"  {name:10} {times} {memory}, {cost['peak_memory_bytes'] / 2**20:,.0f} peak")
    faster = theirs["seconds"] / ours["seconds"]
    print(f"  {faster:.0f} times faster; the greatest difference of a value is {difference:.1e}")
    print("monoglot, memory added while the weights are computed")
    for cost in growth:
        added = f"{cost['added_by_weights_bytes'] / 2**20:6,.0f} MiB {cost['seconds']:6.2f} s"
        print(
            f"  {cost['missing']:7,} × {cost['anchors']:6,} {added}, mean support {cost['mean_support']:.1f}"
        )


if __name__ == "__main__":
    main()
