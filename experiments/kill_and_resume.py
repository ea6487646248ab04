"""`kill -9` in the middle of every stage of a real run, resuming each time; compare with a run left alone.

    python experiments/kill_and_resume.py MODEL CORPUS [--vocabulary-size 8000] [--work build/kill]

Each time the process is killed as soon as the stage's temporary folder has been there for a moment. The two
outputs have to be the same, byte for byte, except for the files that hold measured times.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

STAGES = ("corpus", "tokenizer", "overlap", "tokens", "vectors", "mixture", "model", "scores")


def start(arguments: argparse.Namespace, output: Path) -> subprocess.Popen[bytes]:
    """Begin a run."""
    words = [sys.executable, "-m", "monoglot", "specialize", arguments.model, arguments.corpus]
    words += ["--output", str(output), "--threads", "1", "--vocabulary-size", str(arguments.vocabulary_size)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)


def kill_in(stage: str, arguments: argparse.Namespace, output: Path) -> str:
    """Begin or continue a run, and kill it in a stage; says what was left."""
    process = start(arguments, output)
    home = output.with_name(output.name + ".partial") / "monoglot"
    while not (home / f".{stage}.tmp").exists():
        if process.poll() is not None:
            sys.exit(f"the run ended before stage {stage}, with code {process.returncode}")
        time.sleep(0.002)
    time.sleep(0.02)
    process.kill()
    process.wait()
    done = sorted(path.parent.name for path in home.glob("[!.]*/stage.json"))
    half = sorted(path.name for path in home.glob(".*.tmp"))
    return f"finished before: {', '.join(done) or 'nothing'}; half done: {', '.join(half) or 'nothing'}"


def files(folder: Path) -> dict[Path, bytes]:
    """The content of all files but those that hold measured times."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "measured.json")
    return {path.relative_to(folder): path.read_bytes() for path in paths}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--vocabulary-size", type=int, default=8000)
    parser.add_argument("--work", type=Path, default=Path("build/kill"))
    given = parser.parse_args()
    shutil.rmtree(given.work, ignore_errors=True)
    given.work.mkdir(parents=True)
    for name in STAGES:
        print(f"killed in {name:<10} {kill_in(name, given, given.work / 'killed')}", flush=True)
    for output in (given.work / "killed", given.work / "alone"):
        if code := start(given, output).wait():
            sys.exit(f"the run to {output} ended with code {code}")
    killed, alone = files(given.work / "killed"), files(given.work / "alone")
    different = [str(name) for name in killed.keys() | alone.keys() if killed.get(name) != alone.get(name)]
    print(f"{len(killed)} files compared, {len(different)} differ {different}")
    sys.exit(bool(different))
