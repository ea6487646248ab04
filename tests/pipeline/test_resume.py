"""`kill -9` in each stage, then the same command: the result is that of an uninterrupted run."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.fixtures.tokenizers import DATA

STAGES = ("corpus", "tokenizer", "overlap", "tokens", "vectors", "mixture", "model", "scores", "quality")

# The process imports everything once; each run is a copy of it, which is killed as any process is.
WALKS = """
import os, signal, sys
import monoglot.model.transplant
from monoglot.pipeline import report
from monoglot.run import stage as run_stage
from monoglot.settings import Settings
from monoglot.pipeline.specialize import specialize

source, corpus = sys.argv[1:]
seal = run_stage.seal

def seal_or_die(folder, stage_key, measured):
    # All files of the stage are written, but it has not been declared finished.
    if stage_key.stage == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return seal(folder, stage_key, measured)

run_stage.seal = seal_or_die
write_card = report.write_card

def card_or_die(*facts, **more):
    # The page is written, the card is not.
    if victim == "report":
        os.kill(os.getpid(), signal.SIGKILL)
    return write_card(*facts, **more)

report.write_card = card_or_die
for order in sys.stdin:
    output, victim = order.rstrip("\\n").split("\\t")
    child = os.fork()
    if not child:
        specialize(source, corpus, output, Settings(mode="replace", vocabulary_size=700, threads=1))
        sys.stderr.flush()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def context(xlm_r):
    """Run `specialize` in a process of its own that dies in one stage; gives the process' exit code."""
    process = subprocess.Popen(
        [sys.executable, "-c", WALKS, str(xlm_r), str(DATA / "de.txt")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip

    def run(output, victim="nobody"):
        process.stdin.write(f"{output}\t{victim}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield run
    process.stdin.close()
    process.stdout.close()
    assert process.wait() == 0


def test_killed_in_every_stage_and_resumed(context, tmp_path):
    for done, victim in enumerate(STAGES):
        assert context(tmp_path / "out", victim) == -signal.SIGKILL
        assert not (tmp_path / "out").exists()
        finished = {p.parent.name for p in (tmp_path / "out.partial" / "monoglot").glob("*/stage.json")}
        assert finished - {f".{victim}.tmp"} == set(STAGES[:done])
    assert context(tmp_path / "out", "report") == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert context(tmp_path / "out") == 0
    assert (tmp_path / "out" / "monoglot" / "report.html").exists()
    assert context(tmp_path / "straight") == 0
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
