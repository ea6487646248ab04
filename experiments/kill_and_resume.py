"""`kill -9` at random moments of specialize, trim, adapt, compare and report, and the same command again.

    python -m experiments.kill_and_resume [--kills 20] [--seed 0] [--commands specialize trim …]

Tiny random models and the sample text of the tests; every run is a process of its own. Each command is first
run twice without a kill: files in which these two differ hold measured times, and are named in the result.
Then each run is killed at a moment drawn evenly from the time that an uninterrupted one takes (one in four is
killed a second time while it resumes), and the same command is given again until it ends. Every other file
has to be the same, byte for byte, as that of the uninterrupted run, and nothing else may lie beside it.
Writes `results/kill_and_resume.json`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import head
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import DATA, FAMILIES, sample

HERE = Path(__file__).parent
COMMANDS = {
    "specialize": ["specialize", "{source}", "{corpus}", "-o", "{out}", "--mode", "replace",
                   "--vocabulary-size", "700"],
    "trim": ["specialize", "{source}", "{corpus}", "-o", "{out}", "--mode", "trim"],
    "adapt": [
        "adapt", "{source}", "{corpus}", "-o", "{out}", "--tokens", "60k", "--batch-tokens", "1024",
        "--window-tokens", "64",
    ],
    "compare": [
        "compare", "{source}", "{corpus}", "-o", "{out}", "--methods", "mean", "--seeds", "1",
        "--probe-tokens", "10k", "--vocabulary-size", "700", "--lines", "20",
    ],
    "report": ["report", "{out}"],
}  # fmt: skip


def run(words: list[str], log: Path, seconds: float | None = None) -> int:
    """Run a command in a copy of this process; kill it after a while if a time is given.

    Returns:
        Its exit code; -9 if it was killed.
    """
    child = os.fork()
    if not child:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        from monoglot.cli import main as monoglot

        code = monoglot(words)
        sys.stdout.flush()
        os._exit(code)
    if seconds is not None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def files(folder: Path) -> dict[str, bytes]:
    """The content of all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> set[str]:
    """Names of files that only one folder has, or that differ."""
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


class Trial:
    """One command in a folder of its own, always of the same name, for outputs may record it."""

    def __init__(self, name: str, root: Path, finished: Path | None) -> None:
        self.name, self.root, self.finished = name, root, finished
        self.log = root / f"{name}.log"
        self.place = root / name
        names = {"source": root / "source", "corpus": DATA / "de.txt", "out": self.place / "out"}
        self.words = [word.format(**names) for word in COMMANDS[name]]
        self.words += [] if name == "report" else ["--threads", "1"]

    def fresh(self) -> None:
        """Begin anew; a report is written for a copy of a finished run."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        if self.name == "report":
            assert self.finished is not None
            shutil.copytree(self.finished, self.place / "out")

    def finish(self) -> dict[str, bytes]:
        """Run to the end, and give everything that then lies there."""
        if code := run(self.words, self.log):
            lines = self.log.read_text(errors="replace").splitlines()[-5:]
            sys.exit(f"{' '.join(self.words)} ended with code {code}: {' / '.join(lines)}")
        return files(self.place)


def trials(trial: Trial, kills: int, draw: random.Random) -> dict[str, Any]:
    """Kill one command at random moments.

    Returns:
        How many kills there were, in which files an output ever differed, and which of them hold times.
    """
    trial.fresh()
    start = time.monotonic()
    alone = trial.finish()
    seconds = time.monotonic() - start
    trial.fresh()
    other = trial.finish()
    timed = differing(alone, other) | {name for name in alone if name.endswith("measured.json")}
    found: dict[str, Any] = {"kills": 0, "too_late": 0, "resumed_runs": 0, "seconds_uninterrupted": seconds}
    faults: list[dict[str, Any]] = []
    while found["kills"] < kills:
        trial.fresh()
        moments = []
        for _ in range(1 + (draw.random() < 0.25)):
            moment = draw.uniform(0, seconds)
            if run(trial.words, trial.log, moment) != -signal.SIGKILL:
                found["too_late"] += 1
                break
            moments.append(round(moment, 3))
        if not moments:
            continue
        found["kills"] += len(moments)
        found["resumed_runs"] += 1
        finished = (trial.place / "out").exists() and trial.name != "report"
        result = files(trial.place) if finished else trial.finish()
        if different := differing(alone, result) - timed:
            faults.append({"killed_after_seconds": moments, "files": sorted(different)})
            print(trial.name, faults[-1], flush=True)
    return found | {"files": len(alone), "files_with_times": sorted(timed), "faults": faults}


def main() -> None:
    """Run the experiment."""
    parser = head.parser("Kill commands at random moments, and resume them.", seed=0)
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    arguments = parser.parse_args()
    import monoglot.pipeline.adapt
    import monoglot.pipeline.compare.run
    import monoglot.pipeline.report
    import monoglot.pipeline.specialize  # noqa: F401 - once, for all copies of this process

    found = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        text = [line for language in ("de", "sw", "ar") for line in sample(language, 300)]
        tokenizer = FAMILIES["unigram"](text, 900)
        ARCHITECTURES["xlm-roberta"](tokenizer).save_pretrained(root / "source")
        tokenizer.save_pretrained(root / "source")
        finished = root / "finished"
        for name in arguments.commands:
            trial = Trial(name, root, finished)
            if name == "report" and not finished.exists():
                made = Trial("specialize", root, None)
                made.fresh()
                made.finish()
                (made.place / "out").rename(finished)
            draw = random.Random(f"{arguments.seed}/{name}")
            found[name] = trials(trial, arguments.kills, draw)
            print(name, found[name], flush=True)
    print(head.save("kill_and_resume", {"seed": arguments.seed, "commands": found}, HERE / "results"))
    sys.exit(any(result["faults"] for result in found.values()))


if __name__ == "__main__":
    main()
