"""Damaged model folders: what becomes of random changes to the JSON files of a source model.

    python -m benchmarks.mutations [--count 500] [--files config.json …] [--models xlm-roberta …]
                                   [--modes trim replace] [--seed 0] [--workers 1] [--show]

Tiny random models of several architectures are written to folders, one of their JSON files is changed in one
random place (a value of another type, another number or text, a deleted, doubled or swapped entry, bytes cut
off or turned over, deep nesting, another encoding), and `specialize` runs on the result. Each run is one of

- ``same``: the output does what the changed source does, by transformers' own classes: segments of texts,
  pairs and padded batches, outputs of the model on them, settings of model and generation (in mode
  ``replace``, whose segments differ on purpose: an output that loads, is finite and has the same settings)
- ``refused``: one sentence (`InputError`)
- ``said``: the output does something else, and a warning says so
- ``only here``: transformers itself can't load the changed source, so that there is nothing to compare with
- ``different``: the output does something else, and nothing was said
- ``traceback``: another exception, or a panic of a Rust library on the terminal
- ``hang``: more than a minute; ``crash``: the process died

The last four lines are faults but for ``only here``. Writes `results/mutations.json`.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers as hf

from benchmarks import head
from monoglot.errors import InputError
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import FAMILIES, sample

FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")
MODELS = {
    "xlm-roberta": "unigram",
    "bert": "wordpiece",
    "gpt2": "byte-level-bpe",
    "llama": "sentencepiece-bpe",
    "mt5": "unigram",
}
MODES = ("trim", "replace")
FAULTS = ("different", "traceback", "hang", "crash")
LINES = 60
PROBED_LINES = 6
TOLERANCE = 1e-4
SECONDS = 60
UNRELATED = {"vocab_size", "transformers_version", "_name_or_path", "dtype", "torch_dtype", "_commit_hash"}
"""Settings that a change of vocabulary changes, or that say nothing about what a model does."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, 10**6, 10**12, 10**40, float("nan"), float("inf"),
    "", "x", "0", "null", "\ud800", "\0", "a\nb", "💥" * 100, [], {}, [[]], [None], ["x"], [1, "x"], {"x": 1},
    {"x": {"x": []}}, [0] * 1000, "<pad>", "../../etc/passwd", "cuda",
)  # fmt: skip


class TooLong(KeyboardInterrupt):
    """A run takes more than a minute; no library takes that for an error of its own."""


# -- changes ------------------------------------------------------------------------------------------------


def mutated(text: str, draw: random.Random) -> tuple[bytes, str]:
    """Change a JSON file in one random place.

    Returns:
        The new content, and what was done.
    """
    if draw.random() < 0.1:
        return _damaged(text, draw)
    content = json.loads(text)
    holder, key, path = _place(content, draw)
    old = holder[key]
    operation = draw.choice(("value", "value", "value", "near", "near", "delete", "double", "swap", "rename"))
    done = f"{path}: {operation}"
    if operation == "value":
        holder[key] = copy.deepcopy(draw.choice(VALUES))
        done = f"{path} = {json.dumps(holder[key])[:40]}"
    elif operation == "near":
        holder[key] = _near(old, draw)
        done = f"{path} = {json.dumps(holder[key])[:40]}, near {json.dumps(old)[:40]}"
    elif operation == "delete":
        del holder[key]
    elif operation == "double" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(old))
    elif operation == "swap":
        other = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[key], holder[other] = holder[other], holder[key]
        done += f" with {other}"
    elif isinstance(holder, dict):
        holder[draw.choice((f"{key}_", str(key).upper(), "", "auto_map", "model_type"))] = holder.pop(key)
    return json.dumps(content).encode(), done


def _place(content: Any, draw: random.Random) -> tuple[Any, Any, str]:
    """A random entry of nested objects and lists, each level as likely as its depth allows."""
    holder, key, path = {"": content}, "", ""
    while isinstance(holder[key], dict | list) and holder[key] and (not path or draw.random() < 0.8):
        holder = holder[key]
        key = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        path += f"/{key}"
    return holder, key, path


def _near(value: Any, draw: random.Random) -> Any:
    """A value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return draw.choice((value + 1, value - 1, -value, value * 2, value * 10**6, float(value), value / 2))
    if isinstance(value, str):
        return draw.choice((value + "x", value[:-1], value.upper(), value[::-1], f" {value}", value * 2))
    if isinstance(value, list):
        return draw.choice((value[::-1], value[1:], value[:1], value * 2, draw.sample(value, len(value))))
    if isinstance(value, dict):
        return dict(draw.sample(list(value.items()), len(value) // 2))
    return 0


def _damaged(text: str, draw: random.Random) -> tuple[bytes, str]:
    """Change the bytes rather than the content."""
    data = bytearray(text.encode())
    place = draw.randrange(len(data))
    kind = draw.choice(("cut", "turn", "encoding", "deep", "bytes", "empty", "surrogate", "doubled"))
    if kind == "cut":
        del data[place:]
    elif kind == "turn":
        data[place] ^= 1 << draw.randrange(8)
    elif kind == "encoding":
        data = bytearray(text.encode(draw.choice(("utf-16", "utf-8-sig", "utf-32"))))
    elif kind == "deep":
        data = bytearray(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)
    elif kind == "bytes":
        data[place:place] = b"\xff\xfe\x00"
    elif kind == "empty":
        data = bytearray(draw.choice((b"", b"{}", b"[]", b"null", b'"x"', b"3")))
    elif kind == "surrogate":
        data = bytearray(text.replace(":", ': "\\ud800", "y":', 1).encode())
    else:
        data = data * 2
    return bytes(data), f"{kind} at byte {place}"


# -- what a folder does -------------------------------------------------------------------------------------


def behavior(folder: Path, texts: list[str], kept: list[str] | None = None) -> dict[str, Any]:
    """What transformers makes of a folder: segments, outputs and settings, without ids.

    Args:
        folder: The folder of a model.
        texts: What it is tried on.
        kept: The tokens whose logits count; all of them if nothing is given.
    """
    tokenizer = hf.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    config = hf.AutoConfig.from_pretrained(folder, local_files_only=True)
    model = getattr(hf, config.architectures[0]).from_pretrained(folder, local_files_only=True).eval()
    token = tokenizer.convert_ids_to_tokens
    found: dict[str, Any] = {"tokens": kept or sorted(tokenizer.get_vocab())}
    found["single"] = [token(ids) for ids in tokenizer(texts).input_ids]
    found["pair"] = token(tokenizer(texts[0], texts[1]).input_ids)
    found["inputs"] = sorted(tokenizer(texts[0], texts[1]))
    found["text"] = [tokenizer.decode(ids) for ids in tokenizer(texts).input_ids]
    found["special"] = {name: str(value) for name, value in tokenizer.special_tokens_map.items()}
    batch = tokenizer(texts[:2], padding=bool(tokenizer.pad_token), truncation=True, max_length=20)
    rows = batch.input_ids
    found["batch"] = [token(ids) for ids in rows]
    columns = tokenizer.convert_tokens_to_ids(found["tokens"])
    found["outputs"] = [_output(model, ids, columns) for ids in rows]
    for name, settings in (("config", config), ("generation", model.generation_config)):
        content = settings.to_dict() if settings is not None else {}
        found[name] = {
            key: _named(key, value, token) for key, value in content.items() if key not in UNRELATED
        }
    return found


@torch.no_grad()
def _output(model: Any, ids: list[int], columns: list[int]) -> torch.Tensor:
    given = {"input_ids": torch.tensor([ids])}
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = given["input_ids"]
    output = model(**given)[0][0]
    return output[:, columns] if output.shape[-1] >= max(columns) and output.shape[-1] > 100 else output


def _named(key: str, value: Any, token: Callable[[Any], Any]) -> Any:
    """A setting with the tokens that its ids stand for."""
    if not key.endswith(("_token_id", "_token_ids", "suppress_tokens", "_ids")) or value is None:
        return value
    try:
        tokens = token(value)
        return sorted(set(map(str, tokens))) if isinstance(tokens, list) else tokens  # one is as good as two
    except (TypeError, ValueError, OverflowError):
        return value


def differences(source: dict[str, Any], output: dict[str, Any], mode: str) -> list[str]:
    """In what two folders differ."""
    names = ("single", "pair", "inputs", "text", "special", "batch", "config", "generation")
    if mode == "replace":
        names = ("inputs", "config", "generation")
    found = [name for name in names if source[name] != output[name]]
    for name in ("config", "generation"):
        if name in found:
            both = source[name], output[name]
            keys = [key for key in both[0].keys() | both[1].keys() if both[0].get(key) != both[1].get(key)]
            found[found.index(name)] = f"{name}: {', '.join(sorted(keys))}"
    finite = all(bool(torch.isfinite(row).all()) for row in output["outputs"])
    if mode == "trim" and source["single"] == output["single"]:
        pairs = zip(source["outputs"], output["outputs"], strict=True)
        if any(a.shape != b.shape or not torch.allclose(a, b, atol=TOLERANCE) for a, b in pairs):
            found.append("outputs")
    elif not finite:
        found.append("outputs are not finite")
    return found


# -- one run ------------------------------------------------------------------------------------------------


def outcome(folder: Path, corpus: list[str], mode: str, work: Path) -> tuple[str, str]:
    """Run `specialize` on a folder, and say what came of it.

    Returns:
        One of the kinds that the module's documentation names, and particulars.
    """
    size = {"vocabulary_size": 400} if mode == "replace" else {}
    settings = Settings(mode=mode, heldout=corpus[1], threads=1, method="mean", **size)
    try:
        with noticing(work / "stderr.txt") as warnings:
            specialize(folder, corpus[0], work / "out", settings)
    except InputError as error:
        return ("refused" if "\n" not in str(error) else "traceback"), str(error)
    except TooLong:
        return "hang", ""
    except BaseException as error:  # a panic of a Rust library is no Exception
        where = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in where if "/monoglot/" in frame.filename] or where
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        return "traceback", f"{type(error).__name__} at {place}: {str(error)[:200]}"
    if "panicked" in (work / "stderr.txt").read_text(errors="replace"):
        return "traceback", "a panic of a Rust library on the terminal"
    return compared(folder, work / "out", Path(corpus[0]), mode, warnings)


def compared(folder: Path, out: Path, corpus: Path, mode: str, warnings: list[str]) -> tuple[str, str]:
    """Whether the output does what the source does."""
    texts = corpus.read_text(encoding="utf-8").splitlines()[:PROBED_LINES]
    try:
        tokens = sorted(hf.AutoTokenizer.from_pretrained(out, local_files_only=True).get_vocab())
        result = behavior(out, texts, tokens)
    except TooLong:
        return "hang", "loading the output"
    except BaseException as error:
        result, trouble = None, f"the output can't be loaded: {type(error).__name__}: {str(error)[:200]}"
        tokens = None
    try:
        truth = behavior(folder, texts, tokens if mode == "trim" else None)
    except TooLong:
        return "hang", "loading the source"
    except BaseException as error:
        return "only here", f"{type(error).__name__}: {str(error)[:200]}"
    if result is None:
        return ("said" if warnings else "different"), trouble
    if found := differences(truth, result, mode):
        said = f"; said: {warnings[0][:200]}" if warnings else ""
        return ("said" if warnings else "different"), "; ".join(found) + said
    return "same", ""


@contextmanager
def noticing(stderr: Path) -> Iterator[list[str]]:
    """Collect what monoglot warns of, keep the terminal's text in a file, and end what takes too long."""
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("monoglot")
    logger.addHandler(handler)
    terminal = os.dup(2)
    with stderr.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield warnings
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            logger.removeHandler(handler)


# -- all of them --------------------------------------------------------------------------------------------


def write_models(root: Path, names: list[str]) -> None:
    """Write the unchanged source models."""
    text = [line for language in ("de", "sw", "ar") for line in sample(language, 300)]
    tokenizers = {family: FAMILIES[family](text, 900) for family in {MODELS[name] for name in names}}
    for name in names:
        tokenizer = tokenizers[MODELS[name]]
        ARCHITECTURES[name](tokenizer).save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
    lines = sample("de", LINES + 20)
    (root / "corpus.txt").write_text("".join(f"{line}\n" for line in lines[:LINES]), encoding="utf-8")
    (root / "heldout.txt").write_text("".join(f"{line}\n" for line in lines[LINES:]), encoding="utf-8")


def jobs_of(root: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Every run: which file of which model, and the seed of its change."""
    jobs = []
    for file in arguments.files:
        models = [name for name in arguments.models if (root / name / file).is_file()]
        for number in range(arguments.count):
            name = models[number % len(models)]
            jobs.append({"file": file, "model": name, "seed": f"{arguments.seed}/{file}/{number}"})
    return jobs


def work(root: Path, jobs: list[dict[str, Any]], modes: list[str], results_file: Path) -> None:
    """Run some jobs, one line of the results file for each."""
    torch.set_num_threads(1)
    hf.utils.logging.set_verbosity_error()
    signal.signal(signal.SIGALRM, _too_long)
    for job in jobs:
        done = dict(job)
        for mode in modes:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place) / "source"
                shutil.copytree(root / job["model"], folder, copy_function=os.link)
                text = (folder / job["file"]).read_text(encoding="utf-8")
                content, done["change"] = mutated(text, random.Random(job["seed"]))
                (folder / job["file"]).unlink()
                (folder / job["file"]).write_bytes(content)
                signal.alarm(SECONDS)
                corpus = [str(root / "corpus.txt"), str(root / "heldout.txt")]
                done[mode] = outcome(folder, corpus, mode, Path(place))
                signal.alarm(0)
        with results_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(done, ensure_ascii=True) + "\n")


def _too_long(*_: object) -> None:
    raise TooLong


def run_all(root: Path, jobs: list[dict[str, Any]], modes: list[str], workers: int) -> list[dict[str, Any]]:
    """Run all jobs in other processes; one that dies is replaced, and the job that killed it is noted."""
    shares = [jobs[start::workers] for start in range(workers)]
    files = [root / f"results-{number}.jsonl" for number in range(workers)]
    done: list[list[dict[str, Any]]] = [[] for _ in shares]

    def start(number: int) -> multiprocessing.Process:
        files[number].unlink(missing_ok=True)
        rest = shares[number][len(done[number]) :]
        process = multiprocessing.Process(target=work, args=(root, rest, modes, files[number]))
        process.start()
        return process

    running = [start(number) for number in range(workers)]
    for number in range(workers):
        while True:
            running[number].join()
            lines = files[number].read_text(encoding="utf-8").splitlines() if files[number].exists() else []
            done[number] += [json.loads(line) for line in lines]
            if len(done[number]) == len(shares[number]):
                break
            crash = {mode: ["crash", f"exit code {running[number].exitcode}"] for mode in modes}
            done[number].append(shares[number][len(done[number])] | {"change": "?"} | crash)
            if len(done[number]) == len(shares[number]):
                break
            running[number] = start(number)
    return [record for share in done for record in share]


def main() -> None:
    """Run the benchmark."""
    parser = head.parser("Change the JSON files of models at random.", seed=0)
    parser.add_argument("--count", type=int, default=500, help="changes of each file")
    parser.add_argument("--files", nargs="+", default=FILES)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[], help="run these seeds (0/config.json/17) alone")
    parser.add_argument("--show", action="store_true", help="print every fault; write no results")
    arguments = head.parse(parser, checked=False)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        write_models(root, arguments.models)
        jobs = [
            job for job in jobs_of(root, arguments) if not arguments.only or job["seed"] in arguments.only
        ]
        records = run_all(root, jobs, arguments.modes, arguments.workers)
    counts: dict[str, dict[str, int]] = {}
    faults = []
    for record in records:
        for mode in arguments.modes:
            kind = record[mode][0]
            table = counts.setdefault(f"{record['file']}, {mode}", Counter())
            table[kind] += 1
            if kind in FAULTS or arguments.only:
                faults.append(
                    {key: record[key] for key in ("seed", "model", "change")} | {mode: record[mode]}
                )
    print(json.dumps(counts, indent=2))
    if arguments.show or arguments.only:
        print("\n".join(json.dumps(fault) for fault in faults))
        return
    content = {"seed": arguments.seed, "count": arguments.count, "models": arguments.models}
    print(head.save("mutations", {**content, "outcomes": counts, "faults": faults}), file=sys.stderr)


if __name__ == "__main__":
    main()
