"""`kill -9` at every moment that matters, then the same command again."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys
from pathlib import Path
from monoglot.run import Description, Run, output as output_module, stage as stage_module

output, moment = Path(sys.argv[1]), sys.argv[2]

def die(at):
    if at == moment:
        os.kill(os.getpid(), signal.SIGKILL)

def work(name, files):
    def write(folder):
        print("computed", name, flush=True)
        for file in files:
            (folder / file).write_text(name + file)
            die(name + " half written")
    return write

def dying(function, at):
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        die(at)
        return result
    return wrapper

# The moments between two steps of monoglot's own.
stage_module.write_json = dying(stage_module.write_json, "records half written")
rename = Path.rename
def renaming(self, target):
    rename(self, target)
    die(f"{self.name} renamed to {Path(target).name}")
Path.rename = renaming

with Run.open(output, overwrite=True) as run:
    tokens = run.stage("tokens", work("tokens", ["a", "b"]))
    files = ["model.safetensors", "config.json"]
    model = run.stage("model", work("model", files), inputs={"tokens": tokens.key})
    scores = run.stage("scores", work("scores", ["scores.json"]), inputs={"model": model.key})
    run.publish(model, description=Description(None, {}, seed=1))
"""

MOMENTS = {
    "tokens half written": ["tokens", "model", "scores"],
    "records half written": ["tokens", "model", "scores"],
    ".tokens.tmp renamed to tokens": ["model", "scores"],
    "model half written": ["model", "scores"],
    "scores half written": ["scores"],
    ".scores.tmp renamed to scores": [],
    "model.safetensors renamed to model.safetensors": [],
    "config.json renamed to config.json": [],
}


def start(output: Path, moment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(output), moment], capture_output=True, text=True, check=False
    )


def computed(process: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("computed ") for line in process.stdout.splitlines()]


def content(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "measured.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    output = tmp_path_factory.mktemp("uninterrupted") / "out"
    assert start(output, "never").returncode == 0
    return content(output)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_run_continues_and_ends_the_same(
    moment: str, tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    output = tmp_path / "out"
    killed = start(output, moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not output.exists()
    again = start(output, "never")
    assert again.returncode == 0, again.stderr
    assert computed(again) == MOMENTS[moment]
    assert content(output) == uninterrupted
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("moment", ["out renamed to out.replaced-by-monoglot", "out.partial renamed to out"])
def test_killed_replacement_leaves_a_whole_output(
    moment: str, tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    output = tmp_path / "out"
    start(output, "never")
    killed = start(output, moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = start(output, "never")
    assert again.returncode == 0, again.stderr
    assert computed(again) == []
    assert content(output) == uninterrupted
    assert list(tmp_path.iterdir()) == [output]
