"""Bits per byte of a causal model on held-out lines, and through a trimmed tokenizer.

    python -m benchmarks.bits_per_byte --model models/gemma-270m --data ../shared/data de ar sw

Each of the first 150 lines of `heldout.txt` is scored on its own after `<bos>`. Then the tokenizer is trimmed
to what these lines use, the model with it, and the text scored again: the figure must be that of the original
with its softmax restricted to the tokens kept. Results of single languages are merged into one file.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from benchmarks import head
from monoglot.evaluation.bits_per_byte import score_language
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.model.folder import load_model
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.model.transplant import transplant
from monoglot.progress import Terminal
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer

LINES = 150
REFERENCE = {"de": 1.695, "ar": 1.179, "sw": 2.477, "hi": 0.790, "en": 1.322, "ja": 1.242, "xh": 3.309}
"""Measured independently, for gemma-3-270m in 4 bits; see the shared notes on data."""
TOLERANCE = 0.005
NAME = "bits_per_byte"


def main() -> None:
    """Score, compare, save."""
    parser = head.parser(__doc__, "data")
    parser.add_argument("languages", nargs="+", choices=REFERENCE)
    parser.add_argument("--model", type=Path, default=Path("models/gemma-270m"))
    arguments = head.parse(parser)
    texts = {language: arguments.data / language / "heldout.txt" for language in arguments.languages}
    if absent := [path for path in (arguments.model, *texts.values()) if not path.exists()]:
        sys.exit(f"there is no {absent[0]}: say where models and data are with --model and --data")
    model, tokenizer = load_model(arguments.model), load_tokenizer(arguments.model)
    saved = head.FOLDER / f"{NAME}.json"
    rows: dict[str, Any] = {}
    for language, path in texts.items():
        lines = path.read_text(encoding="utf-8").split("\n")[:LINES]
        row = measure(model, tokenizer, lines) | {"reference": REFERENCE[language]}
        row["off"] = row["bits_per_byte"] / row["reference"] - 1
        # Read again, for another language may have been measured meanwhile.
        rows = (json.loads(saved.read_text())["languages"] if saved.exists() else {}) | {language: row}
        print(
            f"{language}: {row['bits_per_byte']:.4f} bits per byte "
            f"({row['off']:+.2%} of {row['reference']}); "
            f"restricted to {row['kept']:,} tokens {row['restricted']:.5f}, trimmed {row['trimmed']:.5f}"
        )
        head.save(NAME, {"lines": LINES, "languages": dict(sorted(rows.items()))})
    if wrong := [name for name, row in rows.items() if not agrees(row)]:
        sys.exit(f"not as expected: {', '.join(wrong)}")


def agrees(row: dict[str, float]) -> bool:
    """Whether the figure is the reference's, and trimming doesn't move it."""
    return abs(row["off"]) < TOLERANCE and row["largest_line_difference"] < 1e-4


def measure(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, lines: list[str]) -> dict[str, Any]:
    """Score lines with the model, with it restricted to the tokens they use, and with it trimmed to these."""
    started = time.perf_counter()
    score = score_language(model, tokenizer, lines, progress=Terminal())
    seconds = time.perf_counter() - started
    used = np.concatenate([np.array(tokenizer(line)["input_ids"]) for line in lines])
    trimmed = trim_tokenizer(tokenizer, np.bincount(used, minlength=len(tokenizer)), TrimSettings())
    kept = trimmed.kept_source_ids
    restricted = score_language(model, tokenizer, lines, allowed_ids=kept, progress=Terminal())
    small = transplant(model, copying(model, kept), trimmed.tokenizer, source_tokenizer=tokenizer)
    through_trimmed = score_language(small, trimmed.tokenizer, lines, progress=Terminal())
    differences = np.abs(through_trimmed.line_bits - restricted.line_bits) / restricted.line_bits
    counts = ("lines", "bytes", "characters", "tokens", "bits_per_byte", "bits_per_character")
    return {name: getattr(score, name) for name in counts} | {
        "seconds": seconds,
        "kept": len(kept),
        "restricted": restricted.bits_per_byte,
        "trimmed": through_trimmed.bits_per_byte,
        "largest_line_difference": float(differences.max()),
    }


def copying(model: PreTrainedModel, kept: np.ndarray) -> Mixture:
    """The mixture that copies these rows."""
    n_source = model.get_input_embeddings().weight.shape[0]
    provenance = np.full(len(kept), Provenance.COPIED, np.uint8)
    return Mixture(SparseRows.single(kept), provenance, np.ones(n_source, bool))


if __name__ == "__main__":
    main()
