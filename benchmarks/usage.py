"""Run a command, and write what it cost as JSON: seconds of processor time, of the clock, and peak memory.

    python benchmarks/usage.py COST.json LOG COMMAND…

A process of its own, since Linux counts the memory of the process that starts another as that one's peak.
Nothing is imported but the standard library, for the same reason. Processor time includes that of processes
which the command waited for; the memory is the peak of the largest of them, mapped files included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path


def main() -> None:
    """Run, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cost", type=Path, help="file for what it cost")
    parser.add_argument("log", type=Path, help="file for what it says")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    started = time.perf_counter()
    in_order = os.environ | {"PYTHONUNBUFFERED": "1"}  # else what a Python tool prints comes behind its error
    with given.log.open("wb") as log:
        process = subprocess.Popen(given.command, stdout=log, stderr=subprocess.STDOUT, env=in_order)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "wall_seconds": time.perf_counter() - started,
        "peak_memory_bytes": used.ru_maxrss * 1024,
        "exit_code": process.returncode,
    }
    if process.returncode:
        lines = given.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        cost["error"] = lines[-1] if lines else ""
    given.cost.write_text(json.dumps(cost), encoding="utf-8")


if __name__ == "__main__":
    main()
