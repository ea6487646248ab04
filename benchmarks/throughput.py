"""Continued pretraining: useful tokens per processor second of monoglot against the plain recipe.

    python -m benchmarks.throughput --corpus TEXT --tokenizer FOLDER

The plain recipe is one line a sample, padded to 256 tokens, logits of all tokens, float32. Random weights
(they cost the same) in the shape of XLM-R base with a vocabulary of 50k and one of 250k, and in that of
e5-small with a masked-language-model head. A useful token is one of a document or its frame, no padding.
Processor seconds of the whole step: collating, forward, backward, AdamW.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import (  # fmt: skip
    BertConfig,
    BertForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from benchmarks import head
from monoglot.corpus import open_corpus
from monoglot.tokenization.encoding import TokenizedCorpus, encode_corpus
from monoglot.training.objective import Batch, TrainingContext
from monoglot.training.objectives.mlm import MaskedTask
from monoglot.training.packing import PADDING, PackedCorpus, PackedLayout, SpecialTokenTemplate
from monoglot.training.registry import get_objective

BATCH, WINDOW = 4, 256
LINES = 20_000
SEED = 42
Step = tuple[torch.Tensor, int]
"""The loss of a step, and its useful tokens."""


@dataclass(frozen=True)
class Recipe:
    """How a step is computed.

    Attributes:
        packed: Whether windows are packed; else one line a sample, padded.
        masked_only: Whether logits are computed for masked tokens only.
        bf16: Whether matrix products are in bf16.
        fused: Whether AdamW is.
    """

    packed: bool
    masked_only: bool
    bf16: bool
    fused: bool = True


RECIPES = {
    "plain": Recipe(packed=False, masked_only=False, bf16=False, fused=False),
    "packed, full logits, bf16": Recipe(packed=True, masked_only=False, bf16=True),
    "packed, masked logits, float32": Recipe(packed=True, masked_only=True, bf16=False),
    "monoglot": Recipe(packed=True, masked_only=True, bf16=True),
}


def xlm_r(vocabulary: int) -> PreTrainedModel:
    """XLM-R base with another vocabulary."""
    config = XLMRobertaConfig(vocab_size=vocabulary, max_position_embeddings=514, type_vocab_size=1)
    return XLMRobertaForMaskedLM(config)


def e5_small(vocabulary: int) -> PreTrainedModel:
    """e5-small with a masked-language-model head."""
    return BertForMaskedLM(
        BertConfig(vocab_size=vocabulary, hidden_size=384, intermediate_size=1536, num_attention_heads=12)
    )


def full_loss(task: MaskedTask, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """The loss as everybody computes it: all logits, and labels that are -100 but for the masked tokens."""
    labels = torch.full_like(batch["ids"], -100).scatter_(1, batch["chosen"], batch["targets"])
    logits = model(**task.inputs(batch["ids"], batch["segments"], batch["positions"])).logits
    return cross_entropy(logits.flatten(0, 1).float(), labels.flatten())


def packed_steps(
    task: MaskedTask, model: PreTrainedModel, data: PackedCorpus, *, masked_only: bool
) -> Iterator[Callable[[], Step]]:
    """Steps on packed windows."""
    compute = task.loss if masked_only else partial(full_loss, task)
    for first in range(0, len(data), BATCH):

        def step(first: int = first) -> Step:
            windows = data.__getitems__(range(first, first + BATCH))
            return compute(model, task.collate(windows)), int((windows.segments != PADDING).sum())

        yield step


def plain_steps(
    task: MaskedTask, model: PreTrainedModel, context: TrainingContext
) -> Iterator[Callable[[], Step]]:
    """Steps on lines padded to the window's length, as the common collators make them."""
    template, pad = SpecialTokenTemplate.of(context.tokenizer), int(context.tokenizer.pad_token_id)
    corpus, generator = context.corpus, torch.Generator().manual_seed(SEED)
    for first in range(0, corpus.lines, BATCH):

        def step(first: int = first) -> Step:
            ids = torch.full((BATCH, WINDOW), pad)
            for row, line in enumerate(range(first, first + BATCH)):
                text = corpus.ids[corpus.offsets[line] : corpus.offsets[line + 1]][: WINDOW - template.tokens]
                sample = [*template.before, *text.tolist(), *template.after]
                ids[row, : len(sample)] = torch.tensor(sample)
            used = ids != pad
            chosen = used & (torch.rand(ids.shape, generator=generator) < task.objective.share)
            chosen[0, 1] = True
            labels = torch.where(chosen, ids, -100)
            masked = torch.where(chosen, task.maskable.mask_id, ids)
            logits = model(input_ids=masked, attention_mask=used.long()).logits
            return cross_entropy(logits.flatten(0, 1), labels.flatten()), int(used.sum())

        yield step


def measure(model: PreTrainedModel, context: TrainingContext, recipe: Recipe, steps: int) -> dict[str, float]:
    """Seconds and useful tokens of a step, after one that is not counted."""
    task = get_objective("mlm").task(context)
    assert isinstance(task, MaskedTask)
    layout = PackedLayout(
        WINDOW, SpecialTokenTemplate.of(context.tokenizer), int(context.tokenizer.pad_token_id)
    )
    data = PackedCorpus(context.corpus, layout, windows=BATCH * (steps + 1), seed=SEED)
    todo = (
        packed_steps(task, model, data, masked_only=recipe.masked_only)
        if recipe.packed
        else plain_steps(task, model, context)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=recipe.fused)
    model.train()
    tokens, start = 0, (0.0, 0.0)
    for number, step in enumerate(islice(todo, steps + 1)):
        if number == 1:
            tokens, start = 0, (time.perf_counter(), time.process_time())
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bf16):
            loss, useful = step()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        tokens += useful
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    figures = {"seconds": wall / steps, "cpu_seconds": cpu / steps, "useful_tokens": tokens / steps}
    figures["fill"] = tokens / steps / (BATCH * WINDOW)
    return figures | {"useful_tokens_per_cpu_second": tokens / cpu}


def read(path: str, tokenizer: PreTrainedTokenizerFast, folder: Path) -> TokenizedCorpus:
    """The first lines of a text as tokens."""
    return encode_corpus(tokenizer, islice(open_corpus([path]).lines(), LINES), folder)


def main() -> None:
    """Measure, print, save."""
    parser = head.parser(__doc__)
    parser.add_argument("--corpus", required=True, help="text of one language")
    parser.add_argument("--tokenizer", required=True, type=Path, help="folder of a tokenizer of 50k tokens")
    parser.add_argument("--steps", type=int, default=2)
    arguments, load = head.parse(parser), os.getloadavg()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(arguments.tokenizer, local_files_only=True)
    shapes = {
        "XLM-R base, 50k": (xlm_r, len(tokenizer), tuple(RECIPES)),
        "XLM-R base, 250k": (xlm_r, 250_002, ("packed, full logits, bf16", "monoglot")),
        "e5-small, 50k": (e5_small, len(tokenizer), tuple(RECIPES)),
    }
    found: dict[str, dict[str, dict[str, float]]] = {}
    parameters: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        corpus = read(arguments.corpus, tokenizer, Path(folder))
        for shape, (make, vocabulary, recipes) in shapes.items():
            torch.manual_seed(SEED)
            model = make(vocabulary)
            parameters[shape] = model.num_parameters()
            context = TrainingContext(model, tokenizer, corpus, lambda: (), SEED, Path(folder))
            for name in recipes:
                found.setdefault(shape, {})[name] = measure(model, context, RECIPES[name], arguments.steps)
                print(shape, "·", name, found[shape][name], flush=True)
            del model, context
    rates = {
        shape: {name: figures["useful_tokens_per_cpu_second"] for name, figures in measured.items()}
        for shape, measured in found.items()
    }
    small, large = found["XLM-R base, 50k"], found["XLM-R base, 250k"]
    ratios = {
        f"monoglot against {name}, {shape}": rates[shape]["monoglot"] / rates[shape][name]
        for shape in ("XLM-R base, 50k", "e5-small, 50k")
        for name in ("plain", "packed, full logits, bf16")
    }
    saved = {name: 1 - small[name]["cpu_seconds"] / large[name]["cpu_seconds"] for name in large} | {
        "parameters": 1 - parameters["XLM-R base, 50k"] / parameters["XLM-R base, 250k"]
    }
    content = {
        "command": "python -m benchmarks.throughput --corpus …/de/corpus.txt.gz --tokenizer …",
        "threads": torch.get_num_threads(),
        "batch_windows": BATCH,
        "window_tokens": WINDOW,
        "steps": arguments.steps,
        "load_at_start": load[0],
        "load_at_end": os.getloadavg()[0],
        "figures": found,
        "parameters": parameters,
        "ratios": ratios,
        "saved_by_50k_against_250k": saved,
    }
    print(ratios, saved)
    head.save("throughput", content)


if __name__ == "__main__":
    main()
