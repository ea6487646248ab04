"""What trim and graft cost as whole processes: seconds of processor time and peak memory, of two versions.

    python -m benchmarks.cost OUT --models models --corpus de.txt --before ../before

Each version runs each job in a process of its own with one thread, in turn, so that both meet the same load
of the machine: processor time grows by half where other work shares a core's caches. `--before` names a
checkout of an earlier version; without it only this one is measured. Writes `results/cost.json`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import head
from monoglot.run import read_json
from monoglot.run.layout import LAYOUT

JOBS = {"trim": ("--mode", "trim"), "graft, 2,000 new": ("--new-tokens", "2000")}
COMMAND = "import sys; from monoglot.cli import main; sys.exit(main())"
FIGURES = ("cpu_seconds", "wall_seconds", "peak_memory_bytes")


def run(checkout: Path, words: tuple[str, ...], out: Path) -> dict[str, Any]:
    """Run `specialize` as a process of its own.

    Args:
        checkout: The version of the code.
        words: Words of its command line.
        out: The folder that it makes; one that is there is removed first.

    Raises:
        RuntimeError: If it fails.
    """
    shutil.rmtree(out, ignore_errors=True)
    cost, log = out.with_suffix(".json"), out.with_suffix(".log")
    usage = [sys.executable, str(head.ROOT / "benchmarks" / "usage.py"), str(cost), str(log)]
    command = [sys.executable, "-c", COMMAND, "specialize", *words, "--threads", "1", "--output", str(out)]
    environment = os.environ | {
        "PYTHONPATH": str(checkout / "src"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    subprocess.run([*usage, *command], env=environment, check=True)
    found: dict[str, Any] = read_json(cost)
    if found["exit_code"]:
        raise RuntimeError(f"{' '.join(words)}: {found['error']}")
    stages = read_json(out / LAYOUT.home / "measured.json")["stages"]
    spent = {name: stage["cpu_seconds"] for name, stage in stages.items()}
    return {name: found[name] for name in FIGURES} | {"stage_cpu_seconds": spent}


def commit_of(checkout: Path) -> str:
    """The commit of a checkout."""
    git = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Run each job by each version in turn, several times; what is done is saved after each round."""
    parser = head.parser(__doc__, "models")
    parser.add_argument("out", type=Path, help="folder for what is made")
    parser.add_argument("--corpus", type=Path, required=True, help="the text")
    parser.add_argument("--source", default="e5-small", help="folder of the source among the models")
    parser.add_argument("--before", type=Path, help="checkout of an earlier version")
    parser.add_argument("--rounds", type=int, default=3, help="number of runs of each")
    arguments = head.parse(parser)
    arguments.out.mkdir(parents=True, exist_ok=True)
    versions = {"before": arguments.before, "now": head.ROOT}
    given = (str(arguments.models / arguments.source), str(arguments.corpus))
    rows = [
        {"job": job, "version": version, "commit": commit_of(checkout), "runs": []}
        for job in JOBS
        for version, checkout in versions.items()
        if checkout
    ]
    for job in JOBS:
        for _ in range(arguments.rounds):
            for row in (row for row in rows if row["job"] == job):
                out = arguments.out / job.partition(",")[0]
                row["runs"].append(run(versions[row["version"]], (*given, *JOBS[job]), out))
                row |= {name: median(each[name] for each in row["runs"]) for name in FIGURES}
                print(job, row["version"], {name: row["runs"][-1][name] for name in FIGURES}, flush=True)
            done = [row for row in rows if row["runs"]]
            corpus_bytes = arguments.corpus.stat().st_size
            head.save("cost", {"source": arguments.source, "corpus_bytes": corpus_bytes, "rows": done})


if __name__ == "__main__":
    main()
