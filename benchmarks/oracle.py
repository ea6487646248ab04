"""The reference implementation, run by the Python of its own environment (see `reference`).

    python oracle.py rows INPUT OUTPUT    FOCUS from beginning to end, given token vectors
    python oracle.py step INPUT OUTPUT    its last step alone, timed
    python oracle.py whole INPUT OUTPUT   FOCUS with the training of fastText, timed

INPUT and OUTPUT are folders. Nothing of monoglot is imported here.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def deepfocus() -> Any:
    """The reference's main module; it only needs fastText to train, which is not done here."""
    sys.modules["fasttext"] = types.ModuleType("fasttext")
    return importlib.import_module("deepfocus.focus")


def load_tokenizer(folder: Path) -> Any:
    """A tokenizer, also where its class name leads transformers astray (byte-level BPE called XLM-R)."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(folder)


def rows(given: Path, result: Path) -> None:
    """Write the reference's whole target matrix and the pairs of tokens that it took for the same."""
    focus = deepfocus()
    source, target = load_tokenizer(given / "source"), load_tokenizer(given / "target")
    tensors = load_file(given / "input.safetensors")
    usable = tensors["usable"].nonzero()[:, 0].tolist()
    vectors = {target.convert_ids_to_tokens(id): tensors["vectors"][id].numpy() for id in usable}
    focus.load_target_token_embedding = lambda **_: vectors
    pairs: list[tuple[int, int]] = []

    def get_overlapping_tokens(**options: Any) -> Any:
        overlapping, new = original(**options)
        pairs.extend((token.source[0].id, token.target.id) for token in overlapping.values())
        return overlapping, new

    original, focus.get_overlapping_tokens = focus.get_overlapping_tokens, get_overlapping_tokens
    matrix = focus.FOCUS(
        target, source, tensors["embeddings"], fasttext_model_path="given", seed=42, verbosity="silent"
    )
    save_file({"matrix": matrix, "pairs": torch.tensor(sorted(pairs))}, result / "rows.safetensors")


def step(given: Path, result: Path) -> None:
    """Time similarity, sparsemax and weighted sums, after a small run that compiles what is compiled."""
    focus = deepfocus()
    tensors = load_file(given / "input.safetensors")
    missing, anchors, sources = (tensors[name] for name in ("missing", "anchors", "sources"))

    def run(n_missing: int, n_anchors: int) -> torch.Tensor:
        new = {
            row: focus.NewToken(types.SimpleNamespace(id=row), vector)
            for row, vector in enumerate(missing[:n_missing].numpy())
        }
        overlapping = {
            row: focus.OverlappingToken(None, None, source, vector)
            for row, (source, vector) in enumerate(
                zip(sources[:n_anchors], anchors[:n_anchors].numpy(), strict=True)
            )
        }
        empty = torch.zeros(n_missing, sources.shape[1])
        return focus.focus_additional_token_initialization(overlapping, new, empty, device="cpu")

    run(8, 16)
    before, wall, cpu = reset_peak(), time.perf_counter(), time.process_time()
    matrix = run(len(missing), len(anchors))
    measured = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_memory_bytes": peak_bytes(),
        "added_memory_bytes": peak_bytes() - before,
    }
    (result / "measured.json").write_text(json.dumps(measured))
    save_file({"matrix": matrix}, result / "step.safetensors")


def whole(given: Path, result: Path) -> None:
    """Time everything that FOCUS does, after tokenizers and embeddings have been read; 300 dimensions."""
    focus = importlib.import_module("deepfocus.focus")
    source, target = load_tokenizer(given / "source"), load_tokenizer(given / "target")
    embeddings = load_file(given / "input.safetensors")["embeddings"]
    wall, cpu = time.perf_counter(), os.times()[:4]
    matrix = focus.FOCUS(
        target,
        source,
        embeddings,
        target_training_data_path=str(given / "text.txt"),
        fasttext_model_dim=300,
        processes=int(os.environ["OMP_NUM_THREADS"]),
        seed=42,
    )
    measured = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": sum(os.times()[:4]) - sum(cpu),
        "peak_memory_bytes": peak_bytes(),
        "stages": {},
    }
    (result / "measured.json").write_text(json.dumps(measured))
    save_file({"matrix": matrix}, result / "whole.safetensors")


def reset_peak() -> int:
    """Forget the peak of resident memory so far.

    Returns:
        What is resident now.
    """
    Path("/proc/self/clear_refs").write_text("5")
    return status_bytes("VmRSS")


def peak_bytes() -> int:
    """The most memory that was resident since the peak was last forgotten (of Linux; others don't tell)."""
    return status_bytes("VmHWM")


def status_bytes(field: str) -> int:
    """One of the figures in kB that Linux tells about this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


if __name__ == "__main__":
    command = {"rows": rows, "step": step, "whole": whole}[sys.argv[1]]
    with torch.no_grad():
        command(Path(sys.argv[2]), Path(sys.argv[3]))
