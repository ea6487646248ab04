"""Pretrain the demo model: a small multilingual masked language model on text that may be given away.

    python -m experiments.pretrain_demo --data ../shared/data/open --folder build/demo-model

Nine languages, XLM-R's architecture, a Unigram vocabulary of 24,000 tokens, trained from nothing by
`monoglot adapt`: steadily first, then with a rate that falls to zero. A run that was interrupted goes on from
its last checkpoint with the same command; `--cool-now` ends the steady phase where it is, for a model of
fewer tokens, and leaves its checkpoints for later.

Each language's last lines are held out (`heldout/<language>.txt`). The others are repeated so that languages
count by the square root of their size: a small one is read more often than it would be, a large one less.
"""

from __future__ import annotations

import argparse
import gzip
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from benchmarks import head
from monoglot import AdaptSettings, TrainingSettings, adapt
from monoglot.model.folder import load_model, save
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.progress import Terminal
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.training.schedule import DECAY
from tests.fixtures.tokenizers import unigram

LANGUAGES = ("ar", "de", "en", "fi", "hi", "ja", "sw", "tr", "xh")
VOCABULARY, SEED = 24_000, 42
HELDOUT_LINES = 200
LONGEST_TOKENS = 256
BATCH_TOKENS = 2_048
TIED = {"roberta.embeddings.word_embeddings.weight", "lm_head.decoder.bias"}
MASKED_SHARE = 0.25
"""More than the usual 0.15: with so little training each text should teach more."""
MOST_REPEATED = 8


def read_languages(data: Path) -> dict[str, list[str]]:
    """The lines of each language."""
    texts = {}
    for language in LANGUAGES:
        with gzip.open(data / f"{language}.txt.gz", "rt", encoding="utf-8") as file:
            texts[language] = file.read().splitlines()
    return texts


def balanced(texts: dict[str, list[str]], rng: np.random.Generator) -> Iterator[str]:
    """Lines of all languages in random order; each language counts by the square root of its size."""
    sizes = {language: sum(len(line.encode()) for line in lines) for language, lines in texts.items()}
    wanted = {language: math.sqrt(size) for language, size in sizes.items()}
    scale = sum(sizes.values()) / sum(wanted.values())
    drawn: list[str] = []
    for language, lines in texts.items():
        times = min(MOST_REPEATED, scale * wanted[language] / sizes[language])
        whole = lines * int(times)
        rest = rng.permutation(len(lines))[: round((times - int(times)) * len(lines))]
        drawn += whole + [lines[place] for place in rest]
    for place in rng.permutation(len(drawn)):
        yield drawn[place]


def prepare(data: Path, folder: Path) -> None:
    """Write training text, held-out text, and the model with random weights."""
    texts = read_languages(data)
    (folder / "heldout").mkdir(parents=True, exist_ok=True)
    for language, lines in texts.items():
        held = "\n".join(lines[-HELDOUT_LINES:])
        (folder / "heldout" / f"{language}.txt").write_text(held + "\n", encoding="utf-8")
        del lines[-HELDOUT_LINES:]
    both = [line for language in LANGUAGES for line in _heldout(folder, language)[:40]]
    (folder / "heldout.txt").write_text("\n".join(both) + "\n", encoding="utf-8")
    corpus = list(balanced(texts, np.random.default_rng(SEED)))
    (folder / "corpus.txt").write_text("\n".join(corpus) + "\n", encoding="utf-8")
    like = unigram(both, 2_000)
    tokenizer = train_tokenizer(like, corpus, TokenizerSettings(VOCABULARY), progress=Terminal())
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=176,
        num_hidden_layers=5,
        num_attention_heads=4,
        intermediate_size=528,
        max_position_embeddings=LONGEST_TOKENS + 2,
        # It sees each text a few times only, and attention without dropout is far faster on a processor.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(SEED)
    model = XLMRobertaForMaskedLM(config)
    tokenizer.model_max_length = LONGEST_TOKENS
    model.save_pretrained(folder / "untrained.partial")
    tokenizer.save_pretrained(folder / "untrained.partial")
    (folder / "untrained.partial").rename(folder / "untrained")
    print(f"{model.num_parameters():,} parameters, {len(corpus):,} lines of text")


def _heldout(folder: Path, language: str) -> list[str]:
    return (folder / "heldout" / f"{language}.txt").read_text(encoding="utf-8").splitlines()


def main() -> None:
    """Prepare what is not there yet, then train."""
    parser = head.parser(__doc__, "threads", data=Path("../shared/data/open"))
    parser.add_argument("--folder", type=Path, default=Path("build/demo-model"))
    parser.add_argument("--tokens", type=int, default=60_000_000)
    parser.add_argument("--cooling-tokens", type=int, default=2_000_000)
    parser.add_argument("--cool-now", action="store_true", help="end the steady phase where it is")
    parser.add_argument("--compile", action="store_true", help="by torch.compile; needs a C compiler")
    arguments = head.parse(parser)
    if not (arguments.folder / "untrained").exists():
        prepare(arguments.data, arguments.folder)
    steady = arguments.folder / "steady"
    if not arguments.cool_now:
        train(arguments, arguments.folder / "untrained", steady, arguments.tokens, "constant")
    begun = steady if steady.exists() else newest_checkpoint(arguments.folder)
    trained = arguments.folder / "trained"
    train(arguments, begun, trained, arguments.cooling_tokens, "linear")
    print(f"written to {trained}")


def train(arguments: argparse.Namespace, source: Path, output: Path, tokens: int, decay: DECAY) -> None:
    """Train by masked language modeling, or go on with it."""
    training = TrainingSettings(
        tokens=tokens,
        window_tokens=128,
        batch_tokens=BATCH_TOKENS,
        device_tokens=BATCH_TOKENS,
        learning_rate=1e-3,
        embedding_learning_rate=1e-3,
        warmup_share=0.01,
        decay=decay,
        weight_decay=0.01,
        checks=max(1, tokens // 1_000_000),
        compile=arguments.compile,
    )
    settings = AdaptSettings(
        objective="mlm",
        objective_options={"share": MASKED_SHARE},
        heldout=str(arguments.folder / "heldout.txt"),
        seed=SEED,
        threads=arguments.threads,
    )
    adapt(source, arguments.folder / "corpus.txt", output, settings, training, progress=Terminal())


def newest_checkpoint(folder: Path) -> Path:
    """The model as the steady phase last saved it, with its tokenizer, in a folder of its own."""
    saved = sorted(
        (folder / "steady.partial").rglob("checkpoint-*/model.safetensors"),
        key=lambda file: int(file.parent.name.split("-")[-1]),
    )
    if not saved:
        sys.exit(f"{folder / 'steady.partial'} has no checkpoint: train before cooling")
    # What is trained is wrapped, so that its names begin with "model."; tied tables are there once.
    weights = {name.removeprefix("model."): table for name, table in load_file(saved[-1]).items()}
    model = load_model(folder / "untrained")
    absent, unknown = model.load_state_dict(weights, strict=False)
    if unknown or set(absent) - TIED:
        sys.exit(f"{saved[-1]} is of another model: {[*unknown, *absent]}")
    begun = folder / saved[-1].parent.name
    save(model, load_tokenizer(folder / "untrained"), folder / "untrained", begun)
    return begun


if __name__ == "__main__":
    main()
