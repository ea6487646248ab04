"""`kill -9` in each stage, then the same command: the result is that of an uninterrupted run."""

import json
import signal
import subprocess
import sys

from tests.fixtures.tokenizers import DATA

STAGES = ("corpus", "tokenizer", "overlap", "tokens", "vectors", "mixture", "model", "scores")

WALK = """
import os, signal, sys
from monoglot.run import stage as run_stage
from monoglot.pipeline.settings import Settings
from monoglot.pipeline.specialize import specialize

source, corpus, output, victim = sys.argv[1:]
seal = run_stage.seal

def seal_or_die(folder, recipe, measured):
    # All files of the stage are written, but it has not been declared finished.
    if recipe.stage == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return seal(folder, recipe, measured)

run_stage.seal = seal_or_die
if victim == "report":
    from monoglot.pipeline import report
    # The page is written, the card is not.
    report.write_card = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
specialize(source, corpus, output, Settings(vocabulary_size=700, threads=1))
"""


def walk(source, output, victim="nobody"):
    """Run `specialize` in a process of its own that dies in one stage."""
    words = [sys.executable, "-c", WALK, str(source), str(DATA / "de.txt"), str(output), victim]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_killed_in_every_stage_and_resumed(xlm_r, tmp_path):
    for done, victim in enumerate(STAGES):
        killed = walk(xlm_r, tmp_path / "out", victim)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not (tmp_path / "out").exists()
        finished = {p.parent.name for p in (tmp_path / "out.partial" / "monoglot").glob("*/stage.json")}
        assert finished - {f".{victim}.tmp"} == set(STAGES[:done])
    killed = walk(xlm_r, tmp_path / "out", "report")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "out").exists()
    assert walk(xlm_r, tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "monoglot" / "report.html").exists()
    assert walk(xlm_r, tmp_path / "straight").returncode == 0
    costs = json.loads((tmp_path / "out" / "monoglot" / "measured.json").read_text())
    assert [name for name, cost in costs["stages"].items() if cost["reused"]] == list(STAGES)
    resumed, straight = (
        {p.relative_to(tmp_path / o): p for p in (tmp_path / o).rglob("*") if p.is_file()}
        for o in ("out", "straight")
    )
    assert resumed.keys() == straight.keys()
    differing = {name.name for name in resumed if resumed[name].read_bytes() != straight[name].read_bytes()}
    assert differing == {"measured.json", "report.html", "README.md"}
    assert not (tmp_path / "out.partial").exists()
