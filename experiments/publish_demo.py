"""Put the demo model into the package: weights as float16, tokenizer, and a card with measured figures.

    python -m experiments.publish_demo --folder build/demo-model

For each language bits per byte on held-out lines, by pseudo-log-likelihood with whole words masked, beside
those of a unigram model: the tokens' frequencies in the training text, add-one, of the same tokenizer.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from benchmarks import head
from benchmarks.head import processor
from experiments.pretrain_demo import BATCH_TOKENS, LANGUAGES, SEED
from monoglot.demo import model_path
from monoglot.evaluation.bits_per_byte import LanguageSettings, score_language
from monoglot.model.folder import load_model, save
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.reporting.summary import count_parameters
from monoglot.run import read_json

LINES = 60
CARD = """---
license: cc-by-4.0
language: [{languages}]
library_name: transformers
pipeline_tag: fill-mask
tags: [monoglot, demo]
---

# monoglot's demo model

A masked language model of nine languages, small enough to come with the package: XLM-R's architecture,
{parameters:,} parameters, a Unigram vocabulary of {vocabulary:,} tokens. It is there to try `monoglot` on
(`monoglot.demo.model_path()`), **not to be used for anything else**: it is too small and has read too little.

Pretrained by `python -m experiments.pretrain_demo` from random weights on {tokens:,} tokens, {steps:,} steps
of 2,048 tokens: {steady:,} tokens at a steady rate of {rate}, then {cooling:,} while it falls to zero; seed
{seed}, one thread of an {processor}. Text: German laws (public domain), German drama (GerDraCor, CC0), Common
Voice sentences (CC0), TICO-19 (CC0), VOA news in Swahili (public domain), isolezwe news in Xhosa (CC BY 4.0).
Settings are in `pretraining.json`.

Bits per byte on {lines} held-out lines of each language (pseudo-log-likelihood, whole words masked), beside a
unigram model of the same tokens; lower is better:

| language | demo model | unigram |
|---|---:|---:|
{rows}

Made by `python -m experiments.publish_demo`; what follows, if anything does, by
`python -m experiments.demo_methods`.

<!-- methods -->
<!-- /methods -->
"""


def unigram_bits(tokenizer: PreTrainedTokenizerFast, counts: np.ndarray, lines: list[str]) -> float:
    """Bits per byte of lines under the frequencies of tokens."""
    bits = -np.log2((counts + 1) / (counts + 1).sum())
    encoded = tokenizer(lines, add_special_tokens=False)["input_ids"]
    return float(sum(bits[ids].sum() for ids in encoded) / sum(len(line.encode()) for line in lines))


def tokens_of(steady: Path) -> int:
    """How many tokens the steady phase read: it ended, or was ended at a checkpoint named by its step."""
    if steady.name.startswith("checkpoint-"):
        return int(steady.name.partition("-")[2]) * BATCH_TOKENS
    return int(read_json(steady / "monoglot" / "training" / "training.json")["tokens"])


def main() -> None:
    """Measure, write."""
    parser = head.parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo-model"))
    arguments = head.parse(parser)
    trained, target = arguments.folder / "trained", model_path()
    record = read_json(trained / "monoglot" / "training" / "training.json")
    manifest = read_json(trained / "monoglot" / "manifest.json")
    model, tokenizer = load_model(trained), load_tokenizer(trained)
    text = (arguments.folder / "corpus.txt").read_text(encoding="utf-8").splitlines()
    counts = np.zeros(len(tokenizer), np.int64)
    for start in range(0, len(text), 10_000):
        encoded = tokenizer(text[start : start + 10_000], add_special_tokens=False)["input_ids"]
        counts += np.bincount(np.concatenate([np.array(ids, int) for ids in encoded]), minlength=len(counts))
    rows, figures = [], {}
    for language in LANGUAGES:
        file = arguments.folder / "heldout" / f"{language}.txt"
        lines = file.read_text(encoding="utf-8").splitlines()[:LINES]
        score = score_language(model, tokenizer, lines, LanguageSettings(seed=SEED))
        figures[language] = (score.bits_per_byte, unigram_bits(tokenizer, counts, lines))
        rows.append("| {} | {:.3f} | {:.3f} |".format(language, *figures[language]))
        print(rows[-1], flush=True)
    save(model.to(torch.float16), tokenizer, trained, target)
    steady_tokens = tokens_of(Path(manifest["names"]["model"]))
    tokens = steady_tokens + record["tokens"]
    card = CARD.format(
        languages=", ".join(LANGUAGES),
        parameters=count_parameters(target),
        vocabulary=len(tokenizer),
        tokens=tokens,
        steps=tokens // BATCH_TOKENS,
        steady=steady_tokens,
        cooling=record["tokens"],
        rate=manifest["settings"]["training"]["TrainingSettings"]["learning_rate"],
        seed=SEED,
        processor=processor(),
        lines=LINES,
        rows="\n".join(rows),
    )
    (target / "README.md").write_text(card, encoding="utf-8")
    found = {"bits_per_byte": {name: {"model": a, "unigram": b} for name, (a, b) in figures.items()}}
    content = found | {"tokens": tokens, "cooling": record, "settings": manifest["settings"]}
    (target / "pretraining.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
