"""monoglot beside other tools that trim or extend a vocabulary, on one machine in one run.

    python -m benchmarks.rivals OUT --data ../shared/data --models models --source e5-small \
        --rivals-python rivals/bin/python --vocabtrimmer-python rivals-4/bin/python

Every tool gets the same 12 MB of German and makes a model of the same size, in a process of its own with one
thread; then all models are scored here, by monoglot's evaluation (`benchmarks.sentences` for sentence
encoders, bits per byte for language models). Segmentation is compared token by token, by their strings, on
the first 1,000 held-out lines, which no tool has seen. A tool that fails is a row with the last line of what
it said.

- `trimbed` 0.0.4 (``python3.12 -m venv rivals; rivals/bin/pip install 'trimbed[model]==0.0.4'``): once as it
  is, once with ``--keep-text`` for E5's prompts, as its documentation advises for prompts.
- `vocabtrimmer` 0.0.2, in the same environment and in one with older libraries (``rivals-4/bin/pip install
  vocabtrimmer==0.0.2 'transformers<5' datasets pandas tabulate``). It takes masked language models only, so
  it gets e5-small a second time with ``BertForMaskedLM`` for its architecture, and there once without a
  size, which keeps every token that occurs twice.
- The recipe of guides to trimming, and ``add_tokens``: `benchmarks.plain_recipes`.

Costs and scores of a model are kept in OUT, and not made again. Writes `results/rivals_<source>.json` and the
table of `docs/modes.md`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from benchmarks import head, pages
from benchmarks.graft import CORPUS_BYTES, first_bytes
from benchmarks.sentences import HELDOUT_LINES, Benchmark
from monoglot.evaluation.bits_per_byte import score_language
from monoglot.evaluation.sentences import SentenceEncoder
from monoglot.model.folder import load_model
from monoglot.model.pooling import read_pooling
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.run import read_json
from monoglot.run.layout import LAYOUT

PROMPTS = ("query: ", "passage: ")
NEW_TOKENS = 2000
MASKED = "as-masked-model"
LANGUAGE_LINES = 150
"""Held-out lines on which bits per byte are measured."""
GRAFT = f"monoglot graft, {NEW_TOKENS:,} new"
COLUMNS = (
    "tool, tokens asked for", "tokens", "parameters", "CPU s", "wall s", "peak GB", "lines as before",
    "tokens saved", "prompts changed",
)  # fmt: skip
SENTENCE_SCORES = {"cosine": "cosine", "tatoeba": "Tatoeba", "ntrex": "NTREX", "sts": "STS"}
VOCABTRIMMER = (
    "vocabtrimmer-trimming", "--language", "de", "--dataset", "corpus", "--dataset-split", "train",
)  # fmt: skip
SIZES = {"e5-small": (16_000, 32_000), "gemma-270m": (50_000,)}

Score = Callable[[PreTrainedModel, PreTrainedTokenizerFast], dict[str, float]]


@dataclass(frozen=True)
class Contender:
    """A tool and how it is called.

    Attributes:
        tool: What the table calls it.
        size: How many tokens it is asked for; ``None`` if it is not asked for a number.
        command: What is run in the folder of all models; the model has to be written to `folder`.
        environment: The folder of programs that the command's first word is taken from.
        needs: The contender whose new tokens this one adds.
    """

    tool: str
    size: int | None
    command: tuple[str, ...]
    environment: Path
    needs: str = ""

    @property
    def folder(self) -> str:
        """A name for its model."""
        return self.command[-1]


@dataclass(frozen=True)
class Environments:
    """Where the programs of each side are.

    Attributes:
        own: monoglot's.
        rivals: Those of `trimbed`, and of `vocabtrimmer` with present libraries.
        older: Those of `vocabtrimmer` with the libraries of its time.
    """

    own: Path
    rivals: Path
    older: Path


def trimmers(source: str, size: int, at: Environments) -> list[Contender]:
    """Who trims to a size."""
    specialize = ("monoglot", "specialize", source, "corpus/de.txt", "--threads", "1", "--vocabulary-size")
    trimbed = (
        "trimbed", "trim", "--model", source, "--top-k", f"{size}",
        "corpus.datasets=[{path: text, data_files: corpus/de.txt}]",
    )  # fmt: skip
    keep_text = tuple(chain.from_iterable(("--keep-text", prompt) for prompt in PROMPTS))
    mine = (*VOCABTRIMMER, "--target-vocab-size", f"{size}", "--model")
    recipe = ("python", "-m", "benchmarks.plain_recipes", "trim", source, "corpus/de.txt", f"{size}")
    made = [
        ("monoglot trim", (*specialize, f"{size}", "--mode", "trim", "--output"), at.own),
        ("trimbed", (*trimbed, "--output-dir"), at.rivals),
        ("vocabtrimmer", (*mine, source, "--path-to-save"), at.rivals),
        ("vocabtrimmer, transformers 4", (*mine, source, "--path-to-save"), at.older),
        ("recipe of guides", recipe, at.own),
    ]
    if source == "e5-small":
        graft = (*specialize, f"{size}", "--mode", "graft", "--output")
        masked = (*mine, MASKED, "--path-to-save")
        made.insert(1, ("monoglot graft", graft, at.own))
        made.insert(3, ("trimbed --keep-text", (*trimbed, *keep_text, "--output-dir"), at.rivals))
        made.insert(6, ("vocabtrimmer, transformers 4, as masked model", masked, at.older))
    return [
        Contender(tool, size, (*command, f"{source}-{size}-{number}"), environment)
        for number, (tool, command, environment) in enumerate(made)
    ]


def without_size(source: str, at: Environments) -> list[Contender]:
    """Who is not asked for a size: `vocabtrimmer` with all it finds, and those that add tokens."""
    graft = ("monoglot", "specialize", source, "corpus/de.txt", "--threads", "1", "--new-tokens")
    add = ("python", "-m", "benchmarks.plain_recipes", "add-tokens", source, "words.txt")
    found = (*VOCABTRIMMER, "--model", MASKED, "--path-to-save", f"{source}-found")
    return [
        Contender("vocabtrimmer, transformers 4, as masked model", None, found, at.older),
        Contender(GRAFT, None, (*graft, f"{NEW_TOKENS}", "--output", f"{source}-graft"), at.own),
        Contender("add_tokens", None, (*add, f"{source}-add"), at.own, needs=f"{source}-graft"),
        Contender(
            "add_tokens, whole words", None, (*add, "--whole-words", f"{source}-words"), at.own,
            needs=f"{source}-graft",
        ),
    ]  # fmt: skip


def prepare(output: Path, models: Path, source: str, corpus: Path) -> None:
    """Lay text and source where all commands find them, and read the model once, so that it is in memory."""
    (output / "corpus").mkdir(parents=True, exist_ok=True)
    first_bytes(corpus, CORPUS_BYTES, output / "corpus" / "de.txt")
    if not (output / source).exists():
        (output / source).symlink_to((models / source).resolve(), target_is_directory=True)
    if source == "e5-small" and not (output / MASKED).exists():
        shutil.copytree(output / source, output / MASKED)
        config = read_json(output / MASKED / "config.json") | {"architectures": ["BertForMaskedLM"]}
        (output / MASKED / "config.json").unlink()
        (output / MASKED / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    for weights in (output / source).glob("*.safetensors"):
        weights.read_bytes()


def build(contender: Contender, output: Path) -> dict[str, Any]:
    """Run a tool, unless it was run before; what it cost, and what it said if it failed."""
    cost = output / f"{contender.folder}.cost.json"
    if not cost.exists():
        if contender.needs:
            news = read_json(output / contender.needs / LAYOUT.home / LAYOUT.new_tokens)["new"]
            words = "".join(f"{new['text']}\n" for new in news)
            (output / "words.txt").write_text(words, encoding="utf-8")
        shutil.rmtree(output / contender.folder, ignore_errors=True)
        caches = output / "caches"
        shutil.rmtree(caches, ignore_errors=True)
        program = contender.environment / contender.command[0]
        usage = [sys.executable, str(head.ROOT / "benchmarks" / "usage.py"), cost.resolve()]
        log = (output / f"{contender.folder}.log").resolve()
        environment = os.environ | {
            "HOME": str(caches.resolve()),
            "HF_HOME": str(caches.resolve()),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        environment.pop("PYTHONPATH", None)
        if contender.environment == Path(sys.executable).absolute().parent:
            environment["PYTHONPATH"] = f"{head.ROOT / 'src'}{os.pathsep}{head.ROOT}"
        command = [*usage, log, program, *contender.command[1:]]
        subprocess.run(command, cwd=output, env=environment, check=True)
    return read_json(cost)


def segmentation(
    tokenizer: PreTrainedTokenizerFast, original: PreTrainedTokenizerFast, lines: list[str]
) -> dict[str, Any]:
    """How the lines and the prompts are segmented, compared with the original."""
    backend, before = tokenizer.backend_tokenizer, original.backend_tokenizer
    new, old = (
        [found.tokens for found in each.encode_batch(lines, add_special_tokens=False)]
        for each in (backend, before)
    )
    return {
        "lines_as_before": sum(a == b for a, b in zip(new, old, strict=True)) / len(lines),
        "tokens_saved": 1 - sum(map(len, new)) / sum(map(len, old)),
        "prompts_as_before": {
            # Without its last space: whether that is a token hangs on who wrote the file, not on the trim.
            prompt: backend.encode(prompt.rstrip(), add_special_tokens=False).tokens
            == before.encode(prompt.rstrip(), add_special_tokens=False).tokens
            for prompt in PROMPTS
        },
    }


def scorer(folder: Path, source: Path, original: PreTrainedTokenizerFast, lines: list[str]) -> Score:
    """How models made of a source are scored."""
    model = load_model(source)
    if "CausalLM" in model.config.architectures[0]:

        def language(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> dict[str, float]:
            with torch.no_grad():
                found = score_language(model.eval(), tokenizer, lines[:LANGUAGE_LINES])
            return {"bits_per_byte": found.bits_per_byte}

        return language
    pooling = read_pooling(source)
    benchmark = Benchmark(folder, SentenceEncoder(model, original, pooling, PROMPTS[0]))

    def sentences(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> dict[str, float]:
        # Not all tools copy the pooling.
        return benchmark.score(SentenceEncoder(model, tokenizer, pooling, PROMPTS[0]))

    return sentences


def figures(
    made: Path, original: PreTrainedTokenizerFast, lines: list[str], score: Score, kept: Path
) -> dict[str, Any]:
    """All figures of a model but its costs; its scores are kept in a file, since they take longest."""
    model, tokenizer = load_model(made), load_tokenizer(made)
    if not kept.exists():
        kept.write_text(json.dumps(score(model, tokenizer)), encoding="utf-8")
    return {
        "tokens": len(tokenizer),
        "parameters": sum(parameter.numel() for parameter in model.base_model.parameters()),
        **segmentation(tokenizer, original, lines),
        **read_json(kept),
    }


def versions(environment: Path) -> dict[str, str]:
    """The versions of the packages that matter in an environment."""
    names = ["trimbed", "vocabtrimmer", "torch", "transformers", "tokenizers", "huggingface-hub"]
    script = (
        "import importlib.metadata as m, json, sys; "
        "found = {d.name.lower().replace('_', '-'): d.version for d in m.distributions()}; "
        "print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))"
    )
    command = [environment / "python", "-c", script, *names]
    found: dict[str, str] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a page shows them: a table of the models, and a list of failures."""
    scores = {"bits_per_byte": "bits per byte"} if "bits_per_byte" in rows[0] else SENTENCE_SCORES
    made = [cells(row, list(scores)) for row in rows if "error" not in row]
    failed: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if "error" in row:
            size = f"{row['asked']:,}" if row["asked"] else "no size"
            failed.setdefault((row["tool"], row["error"]), []).append(size)
    errors = [f"- {tool}, {' and '.join(sizes)}: `{error}`" for (tool, error), sizes in failed.items()]
    return "\n".join([pages.table([*COLUMNS, *scores.values()], made), "", *errors])


def cells(row: dict[str, Any], scores: list[str]) -> list[str]:
    """A row of the table."""
    asked = f", {row['asked']:,}" if row["asked"] else ""
    cost = ["–"] * 3
    if "cpu_seconds" in row:
        cost = [f"{row['cpu_seconds']:.1f}", f"{row['wall_seconds']:.1f}"]
        cost.append(f"{row['peak_memory_bytes'] / 1e9:.2f}")
    prompts = ", ".join(f"`{prompt}`" for prompt, same in row["prompts_as_before"].items() if not same)
    return [
        row["tool"] + asked,
        f"{row['tokens']:,}",
        f"{row['parameters'] / 1e6:.1f}M",
        *cost,
        f"{row['lines_as_before']:.1%}",
        f"{row['tokens_saved']:.1%}".replace("-", "−"),
        prompts or "none",
        *(f"{row[name]:.4f}" for name in scores),
    ]


def main() -> None:
    """Run every tool, then score what each made."""
    parser = head.parser(__doc__, "data", "models", threads=2)
    parser.add_argument("output", type=Path, help="folder for the models; what is done there is used again")
    parser.add_argument("--source", choices=SIZES, default="e5-small")
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--rivals-python", type=Path, required=True, help="Python with trimbed")
    parser.add_argument(
        "--vocabtrimmer-python", type=Path, required=True, help="Python with vocabtrimmer and transformers 4"
    )
    given = head.parse(parser)
    folder, source = given.data / "de", given.models / given.source
    pythons = (sys.executable, given.rivals_python, given.vocabtrimmer_python)
    at = Environments(*(Path(python).absolute().parent for python in pythons))
    contenders = without_size(given.source, at) if given.source == "e5-small" else []
    for size in given.sizes or SIZES[given.source]:
        contenders += trimmers(given.source, size, at)
    prepare(given.output, given.models, given.source, folder / "corpus.txt.gz")
    costs = {}
    for each in contenders:
        costs[each] = build(each, given.output)
        print(each.tool, each.size or "", costs[each], flush=True)

    torch.set_num_threads(given.threads)
    lines = [line for line in (folder / "heldout.txt").read_text("utf-8").split("\n") if line][:HELDOUT_LINES]
    original = load_tokenizer(source)
    score = scorer(folder, source, original, lines)
    rows: list[dict[str, Any]] = [{"tool": "original", "asked": None}]
    rows[0] |= figures(source, original, lines, score, given.output / f"{given.source}.score.json")
    for each, cost in costs.items():
        row = {"tool": each.tool, "asked": each.size, "command": " ".join(each.command), **cost}
        if "error" not in cost:
            kept = given.output / f"{each.folder}.score.json"
            row |= figures(given.output / each.folder, original, lines, score, kept)
        rows.append(row)
        print(row, flush=True)
    content = {
        "source": given.source,
        "corpus_bytes": (given.output / "corpus" / "de.txt").stat().st_size,
        "heldout_lines": len(lines),
        "threads": {"tools": 1, "scoring": given.threads},
        "environments": {"rivals": versions(at.rivals), "vocabtrimmer": versions(at.older)},
        "rows": rows,
    }
    print(head.save(f"rivals_{given.source}", content))
    print(pages.fill("modes.md", f"rivals {given.source}", table(rows)))


if __name__ == "__main__":
    main()
