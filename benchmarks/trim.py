"""Trimming a model of every family to German: what is kept, and how far the trimmed model is the original.

    python -m benchmarks.trim --data ../shared/data --models models [--megabytes 8] [NAME …]

Each source is trimmed by `specialize --mode trim --max-loss 0.02`: the smallest vocabulary with which 98% of
the held-out lines keep all their tokens. Segmentation and outputs are compared on those lines, and, since the
size was chosen by them, segmentation also on other lines of the same collection, which the run never saw.
Where no real model of a family is available, a small random one is built around a real tokenizer: the table
says so. Writes `results/trim.json` and the table of `docs/modes.md`.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as hf
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from benchmarks import head, pages
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.specialize import specialize
from monoglot.run import read_json
from monoglot.settings import Settings
from monoglot.tokenization.trim import check_segmentation

MAX_LOSS = 0.02
FRESH_LINES = 5_000
SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}

Build = Callable[[int], PreTrainedModel]


@dataclass(frozen=True)
class Case:
    """A source to trim.

    Attributes:
        family: The family of its tokenizer.
        folder: Where its tokenizer lies, in ``--models`` (with a model) or ``--data`` (without).
        build: Makes a random model for so many tokens; ``None`` if the folder holds a real one.
    """

    family: str
    folder: str
    build: Build | None = None


CASES = {
    "e5-small": Case("Unigram", "e5-small"),
    "gemma-270m": Case("SentencePiece BPE", "gemma-270m"),
    "minilm-en": Case("WordPiece", "minilm-en"),
    "BERT (random), mBERT's tokenizer": Case(
        "WordPiece", "tokenizers/mbert-cased-tydiqa",
        lambda size: hf.BertForMaskedLM(hf.BertConfig(vocab_size=size, **SMALL)),
    ),
    "GPT-2 (random), its tokenizer": Case(
        "byte-level BPE", "tokenizers/gpt2",
        lambda size: hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=size, n_embd=64, n_layer=2, n_head=4)),
    ),
    "Qwen 3 (random), its tokenizer": Case(
        "byte-level BPE", "tokenizers/qwen3",
        lambda size: hf.Qwen3ForCausalLM(
            hf.Qwen3Config(vocab_size=size, num_key_value_heads=2, head_dim=16, **SMALL)
        ),
    ),
    "T5 (random), XLM-R's tokenizer": Case(
        "Unigram", "e5-small",
        lambda size: hf.T5ForConditionalGeneration(
            hf.T5Config(
                vocab_size=size, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4,
                pad_token_id=1, eos_token_id=2, decoder_start_token_id=1,
            )
        ),
    ),
}  # fmt: skip


def main() -> None:
    """Trim every source, and write what came of it."""
    parser = head.parser(__doc__, "data", "models")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(CASES)}")
    parser.add_argument("--megabytes", type=float, default=8.0, help="how much German text")
    given = head.parse(parser)
    if not (given.data / "de" / "corpus.txt.gz").exists():
        sys.exit(f"no data: {given.data} has no de/corpus.txt.gz; say where the data are with --data")
    before = head.FOLDER / "trim.json"
    rows = read_json(before)["rows"] if given.names and before.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        text = Path(scratch, "de.txt")
        text.write_text("\n".join(first_lines(given.data / "de" / "corpus.txt.gz", given.megabytes)), "utf-8")
        fresh = (given.data / "de" / "heldout.txt").read_text("utf-8").split("\n")[:FRESH_LINES]
        for number, name in enumerate(given.names or CASES):
            folder = Path(scratch, str(number))
            rows[name] = measure(CASES[name], given.data, given.models, text, fresh, folder)
            print(name, rows[name])
            content = {"megabytes": given.megabytes, "max_loss": MAX_LOSS, "threads": 1}
            head.save("trim", {**content, "rows": {name: rows[name] for name in CASES if name in rows}})
    print(pages.fill("modes.md", "trim", page(rows)))


def first_lines(path: Path, megabytes: float) -> list[str]:
    """The beginning of a text, which is shuffled."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        mean_bytes = 217  # of a German line
        return [line.rstrip("\n") for line in islice(file, int(megabytes * 1e6 / mean_bytes))]


def measure(
    case: Case, data: Path, models: Path, text: Path, fresh: list[str], scratch: Path
) -> dict[str, Any]:
    """Trim one source, and compare it with the original."""
    source = models / case.folder
    if case.build is not None:
        own = load_tokenizer((models if case.folder in CASES else data) / case.folder)
        source = random_model(case.build, own, scratch / "source")
    out = scratch / "out"
    start = time.perf_counter()
    summary = specialize(source, text, out, Settings(mode="trim", max_loss=MAX_LOSS, threads=1))
    seconds = time.perf_counter() - start
    tokenizers = load_tokenizer(source), load_tokenizer(out)
    kept = np.load(out / "monoglot" / "tokenizer" / "source_ids.npy")
    unseen = check_segmentation(*tokenizers, kept, fresh)
    return {
        "family": case.family,
        "vocabulary": (summary.before.vocabulary, summary.after.vocabulary),
        "parameters": (summary.before.parameters, summary.after.parameters),
        "proof": read_json(out / "monoglot" / "manifest.json")["proof"],
        "unseen": {"lines": unseen.lines, "equal": unseen.equal, "share": unseen.share},
        "seconds": {"all": round(seconds, 1), **{k: round(v, 1) for k, v in summary.seconds.items()}},
    }


def random_model(build: Build, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    """Write a random model around a tokenizer."""
    torch.manual_seed(0)
    build(max(tokenizer.get_vocab().values()) + 1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def page(rows: dict[str, Any]) -> str:
    """Write the table of the page."""
    head = (
        "source", "family", "tokens", "kept", "parameters", "kept", "lines as before",
        "unseen lines as before", "outputs differ by", "seconds",
    )  # fmt: skip
    lines = [
        (
            name, row["family"], *row["vocabulary"], *(f"{count / 1e6:.1f}M" for count in row["parameters"]),
            f"{row['proof']['equal']:,} of {row['proof']['lines']:,} ({row['proof']['share']:.1%})",
            f"{row['unseen']['equal']:,} of {row['unseen']['lines']:,} ({row['unseen']['share']:.1%})",
            f"{row['proof']['largest_difference']:.1g} on {row['proof']['compared']['texts']} texts",
            row["seconds"]["all"],
        )
        for name in CASES if (row := rows.get(name))
    ]  # fmt: skip
    return pages.table(head, lines)


if __name__ == "__main__":
    main()
