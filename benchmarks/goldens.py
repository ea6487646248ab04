"""What every command writes and prints, so that two versions of the code can be compared byte by byte.

    python -m benchmarks.goldens build/run && mv build/run/golden build/before    # with the one version
    python -m benchmarks.goldens build/run && mv build/run/golden build/after     # with the other
    diff -r build/before build/after

Both work in a folder of one name: paths of some files (a dictionary, say) are part of content keys.

Each command runs as a process of its own on the model and text that come with monoglot, in one thread. Copied
to ``golden/`` are `manifest.json`, `scores.json`, `comparison.json`, `proof.json`, `training.json`,
`metrics.jsonl`, every `mixture.safetensors` and `overlap.safetensors` (as hashes), the weights of every model
(as hashes), the model card, and what every command prints with ``--json``. Seconds, memory, speed, dates and
the path of the working folder are replaced by a word; nothing else is. Stages are keyed by content, so an
equal manifest means that the run folders of one version are reused by the other.

With ``--runs build/runs`` the commands that read a finished run (`report`, `explain`, `evaluate`,
`specialize` again) read those of another version.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from benchmarks import head
from monoglot import demo

MEASURED = re.compile(r"seconds|memory|per_second|speed|created|date|ratios")
"""Names of figures that depend on the machine and the hour."""
JSON_FILES = (
    "manifest.json", "scores.json", "comparison.json", "proof.json", "training.json", "evaluation.json",
    "anchors.json", "kept.json", "corpus.json", "config.json", "tokenizer.json",
)  # fmt: skip
HASHED = (".safetensors", ".npy", ".svg")
TRAINING = ["--adapt-tokens", "20000", "--adapt-options.batch-tokens", "2048", "--adapt-options.checks", "2"]
SMALL = ["--seed", "7", "--threads", "1"]


def commands(work: Path, runs: Path, lines: Path) -> dict[str, list[str]]:
    """Every command line, by name.

    Args:
        work: Folder for what is made here.
        runs: Folder with the finished runs that are read.
        lines: Text of the language.
    """
    model, heldout = str(work / "source"), str(work / "heldout.txt")
    make = ["specialize", model, str(lines)]
    replace = [*make, "--mode", "replace"]
    pairs, teacher = work / "pairs.tsv", str(work / "teacher")
    words = ["Haus", "Krankenwagen", "▁und", "xyz"]
    return {
        "replace": [*replace, "-o", f"{work}/replace", "--vocabulary-size", "4000", *TRAINING, *SMALL],
        "plain": [*replace, "-o", f"{work}/plain", "--vocabulary-size", "3000", "--method", "focus",
                  "--vectors", "fasttext", "--vectors-options.epochs", "1", "--norm-calibration", "0.5",
                  *SMALL],
        "clp": [*replace, "-o", f"{work}/clp", "--vocabulary-size", "3000", "--method", "clp", "--vectors",
                "characters", *SMALL],
        "script": [*replace, "-o", f"{work}/script", "--vocabulary-size", "3000", "--method", "script",
                   *SMALL],
        "alignment": [*replace, "-o", f"{work}/alignment", "--vocabulary-size", "3000", "--method",
                      "alignment", "--method-options.parallel-text", str(pairs), *SMALL],
        "contextual": [*replace, "-o", f"{work}/contextual", "--vocabulary-size", "3000", "--vectors",
                       "contextual", "--vectors-options.read-tokens", "20000", *SMALL],
        "trim": [*make, "-o", f"{work}/trim", "--mode", "trim", "--minimum-count", "3", *SMALL],
        "trim-loss": [*make, heldout, "-o", f"{work}/trim-loss", "--mode", "trim", "--max-loss", "0.2",
                      "--weights", "1", "2", "--keep-text", "query: ", *SMALL],
        "extend": [*make, "-o", f"{work}/extend", "--mode", "extend", "--add-tokens", "500",
                   "--vocabulary-size", "6000", *SMALL],
        "adapt": ["adapt", f"{work}/plain", str(lines), "-o", f"{work}/adapt", "--tokens", "20000",
                  "--batch-tokens", "2048", "--checks", "2", *SMALL],
        "distill": ["adapt", f"{work}/plain", str(lines), "-o", f"{work}/distill", "--objective",
                    "distill", "--objective-options.pooling", "mean", "--teacher", teacher, "--tokens",
                    "10000", "--batch-tokens", "2048", "--checks", "2", *SMALL],
        "distill-hidden": ["adapt", f"{work}/plain", str(lines), "-o", f"{work}/distill-hidden",
                           "--objective", "distill-hidden", "--teacher", teacher, "--tokens", "10000",
                           "--batch-tokens", "2048", "--checks", "2", "--schedule", "new-rows", *SMALL],
        "compare": ["compare", model, str(lines), "-o", f"{work}/compare", "--vocabulary-size", "3000",
                    "--methods", "focus,blend:second_share=0.3", "--probe-tokens", "8000", "--seeds", "2",
                    "--lines", "20", "--retention", str(work / "swahili.txt"), *SMALL],
        "overlap": ["overlap", model, f"{work}/plain", "--corpus", heldout],
        "plan": ["plan", model, str(lines)],
        "evaluate": ["evaluate", f"{runs}/plain", heldout, "--against", model, "--lines", "30", "--retention",
                     str(work / "swahili.txt")],
        "retrieval": ["evaluate", f"{runs}/trim", "--against", model, "--task", "retrieval", "--test",
                      str(work / "pairs.jsonl")],
        "classification": ["evaluate", f"{runs}/trim", "--task", "classification", "--train",
                           str(work / "classes.jsonl"), "--dev", str(work / "classes.jsonl"), "--test",
                           str(work / "classes.jsonl"), "--seeds", "2", "--epochs", "1"],
        "explain": ["explain", f"{runs}/plain", *words],
        "explain-adapted": ["explain", f"{runs}/adapt", *words],
        "explain-extended": ["explain", f"{runs}/extend", *words],
        "report": ["report", f"{runs}/plain", "--evaluate", "--language", "de"],
        "report-adapted": ["report", f"{runs}/adapt", "--language", "de"],
        "again": [*replace, "-o", f"{runs}/plain", "--overwrite", "--vocabulary-size",
                  "3000", "--method", "focus", "--vectors", "fasttext", "--vectors-options.epochs", "1",
                  "--norm-calibration", "0.5", *SMALL],
    }  # fmt: skip


def plain(value: Any, name: str = "") -> Any:
    """JSON values without what the machine and the hour decide."""
    if isinstance(value, dict):
        measured = name if MEASURED.search(name) else ""
        return {key: plain(item, measured or key) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, name) for item in value]
    if MEASURED.search(name) and isinstance(value, int | float):
        return "measured"
    return value


def normal(text: str, folder: Path) -> str:
    """JSON text with plain values, and without the path of the working folder."""
    return without(json.dumps(plain(json.loads(text)), indent=1, ensure_ascii=False), folder)


def without(text: str, folder: Path) -> str:
    """Text in which the working folder and dates have other names."""
    text = text.replace(str(folder), "WORK")
    return re.sub(r"\d{4}-\d\d-\d\d(T[\d:.+Z]*)?", "DATE", text)


def prepare(work: Path) -> Path:
    """Write text, pairs and labeled examples; gives the text."""
    with gzip.open(demo.sample_path("de"), "rt", encoding="utf-8") as file:
        german = [line.strip() for line in file if line.strip()][:2500]
    lines = work / "german.txt"
    lines.write_text("\n".join(german) + "\n", encoding="utf-8")
    swahili = demo.heldout_path("sw").read_text(encoding="utf-8").splitlines()
    held = demo.heldout_path("de").read_text(encoding="utf-8").splitlines()
    both = list(zip(held, swahili, strict=False))[:60]
    (work / "pairs.tsv").write_text("".join(f"{b}\t{a}\n" for a, b in both), encoding="utf-8")
    rows = [{"source": b, "target": a} for a, b in both]
    (work / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shutil.copyfile(demo.heldout_path("de"), work / "heldout.txt")
    shutil.copyfile(demo.heldout_path("sw"), work / "swahili.txt")
    for name in ("source", "teacher"):
        shutil.copytree(demo.model_path(), work / name, dirs_exist_ok=True)
    weights = work / "teacher" / "model.safetensors"
    save_file(
        {name: tensor.float() for name, tensor in load_file(weights).items()}, weights, {"format": "pt"}
    )
    config = json.loads((work / "teacher" / "config.json").read_text()) | {"dtype": "float32"}
    (work / "teacher" / "config.json").write_text(json.dumps(config))
    classes = [{"text": a, "label": "de"} for a, _ in both] + [{"text": b, "label": "sw"} for _, b in both]
    (work / "classes.jsonl").write_text("".join(json.dumps(r) + "\n" for r in classes), encoding="utf-8")
    return lines


def collect(name: str, run: Path, golden: Path, folder: Path) -> None:
    """Copy what a run wrote."""
    for path in sorted(run.rglob("*")):
        place = golden / name / path.relative_to(run)
        if path.is_symlink() or not path.is_file():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.name in JSON_FILES:
            place.write_text(normal(path.read_text(encoding="utf-8"), folder), encoding="utf-8")
        elif path.name == "metrics.jsonl":
            rows = [json.dumps(plain(json.loads(line))) for line in path.read_text().splitlines()]
            place.write_text("\n".join(rows), encoding="utf-8")
        elif path.name == "README.md":
            place.write_text(without(path.read_text(encoding="utf-8"), folder), encoding="utf-8")
        elif path.suffix in HASHED:
            place.write_text(hashlib.sha256(path.read_bytes()).hexdigest(), encoding="utf-8")


def main() -> None:
    """Run the commands and collect what they made."""
    parser = head.parser(__doc__)
    parser.add_argument("output", type=Path, help="folder to make")
    parser.add_argument(
        "--runs", type=Path, help="runs of another version that are read; they are copied first"
    )
    parser.add_argument("--only", nargs="+", help="names of commands")
    arguments = head.parse(parser)
    output = arguments.output.resolve()
    work, golden = output / "runs", output / "golden"
    if arguments.only is None:
        shutil.rmtree(output, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    if arguments.runs:
        shutil.copytree(arguments.runs, work, symlinks=True, dirs_exist_ok=True)
    golden.mkdir(exist_ok=True)
    lines = prepare(work)
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONHASHSEED": "0",
    }
    for name, words in commands(work, work, lines).items():
        if arguments.only and name not in arguments.only:
            continue
        made = work / name
        if name not in ("again",) and not arguments.runs:
            shutil.rmtree(made, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-m", "monoglot", *words, "--json"],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
        print(name, done.returncode, flush=True)
        if done.returncode:
            (golden / f"{name}.error").write_text(without(done.stderr, output), encoding="utf-8")
            print(done.stderr[-400:], flush=True)
            continue
        (golden / f"{name}.json").write_text(normal(done.stdout, output), encoding="utf-8")
        if (made / "monoglot").is_dir() or made.is_dir():
            collect(name, made, golden, output)


if __name__ == "__main__":
    main()
