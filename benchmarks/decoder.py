r"""A decoder with a vocabulary of its own after some training, beside its original and the trimmed original.

    python -m benchmarks.decoder --original models/gemma-270m --data ../shared/data --language de \
        --folder /tmp/gemma-german --tokens 1000000

Gives the original a vocabulary of 50,048 tokens (`folder/untrained`), trains that on the language's corpus
(`folder/trained`), and trims the original's own vocabulary to as many (`folder/trimmed`); what is there
is not done again. All four are scored on the first lines of the held-out text, each line on its own. Saved as
`benchmarks/results/decoder_<language>.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks import head
from monoglot import AdaptSettings, Settings, adapt, specialize
from monoglot.evaluation.bits_per_byte import score_language
from monoglot.model.folder import load_model
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Terminal
from monoglot.reporting.summary import count_parameters
from monoglot.training.schedule import TrainingSettings

VOCABULARY = 50_048


def recipe(tokens: int) -> TrainingSettings:
    """How to train: all parameters from the start, the embeddings ten times as fast, rates that fall."""
    return TrainingSettings(
        tokens=tokens,
        batch_tokens=2048,
        device_tokens=2048,
        window_tokens=512,
        learning_rate=5e-5,
        embedding_learning_rate=5e-4,
        warmup_share=0.03,
        decay="linear",
        checks=10,
    )


def build(original: Path, corpus: Path, folder: Path, tokens: int, heldout: Path, threads: int) -> None:
    """Make the three models, unless they are there."""
    for name, settings in (
        ("untrained", Settings(mode="replace", vocabulary_size=VOCABULARY, threads=threads)),
        ("trimmed", Settings(mode="trim", vocabulary_size=VOCABULARY, threads=threads)),
    ):
        if not (folder / name).exists():
            specialize(original, corpus, folder / name, settings, progress=Terminal())
    if not (folder / "trained").exists():
        learned = AdaptSettings(objective="clm", heldout=str(heldout), threads=threads)
        adapt(folder / "untrained", corpus, folder / "trained", learned, recipe(tokens), progress=Terminal())


def score(folder: Path, lines: list[str]) -> dict[str, Any]:
    """Bits per byte of the lines, tokens that they are segmented into, and parameters."""
    with torch.no_grad():
        found = score_language(load_model(folder).eval(), load_tokenizer(folder), lines, progress=Terminal())
    return {
        "bits_per_byte": found.bits_per_byte,
        "tokens": found.tokens,
        "parameters": count_parameters(folder),
    }


def main() -> None:
    """Build, score, save."""
    parser = head.parser(__doc__, "data", language="de", threads=1)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=60)
    arguments = head.parse(parser)
    torch.set_num_threads(arguments.threads)
    data, folder = arguments.data / arguments.language, arguments.folder
    if not (data / "heldout.txt").exists():
        sys.exit(f"no data: {data} has no heldout.txt; say where the data are with --data")
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for line in (data / "heldout.txt").read_text(encoding="utf-8").split("\n") if line]
    lines = lines[: arguments.lines]
    heldout = folder / "heldout.txt"
    heldout.write_text("\n".join(lines) + "\n", encoding="utf-8")
    build(arguments.original, data / "corpus.txt.gz", folder, arguments.tokens, heldout, arguments.threads)
    models = {"original": arguments.original}
    models |= {name: folder / name for name in ("trimmed", "untrained", "trained")}
    scores = {name: score(model, lines) for name, model in models.items()}
    metrics = (folder / "trained" / "monoglot" / "training" / "metrics.jsonl").read_text().splitlines()
    curve = [line for line in map(json.loads, metrics) if "bits_per_byte" in line]
    content = {"language": arguments.language, "tokens": arguments.tokens, "lines": len(lines)}
    content |= {"bytes": sum(len(line.encode()) for line in lines), "scores": scores, "curve": curve}
    for name, figures in scores.items():
        print(f"{name:<12}" + "".join(f" {key} {value:.6g}" for key, value in figures.items()))
    print(head.save(f"decoder_{arguments.language}", content))


if __name__ == "__main__":
    main()
