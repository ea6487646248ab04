"""Cost of a piece of work."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from monoglot.run.stage import Meter

MEBIBYTE = 2**20


def test_wall_and_processor_time_are_told_apart() -> None:
    with Meter() as asleep:
        time.sleep(0.2)
    with Meter() as busy:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
    assert asleep.measured is not None
    assert busy.measured is not None
    assert asleep.measured.seconds >= 0.2
    assert asleep.measured.cpu_seconds < 0.15
    assert 0.15 < busy.measured.cpu_seconds < 1


def test_peak_memory_is_that_of_the_work_not_of_the_process_so_far() -> None:
    with Meter() as large:
        block = np.ones(200 * MEBIBYTE, dtype=np.uint8)
        time.sleep(0.1)
        del block
    with Meter() as small:
        time.sleep(0.1)
    assert large.measured is not None
    assert small.measured is not None
    assert large.measured.peak_memory_bytes - small.measured.peak_memory_bytes > 150 * MEBIBYTE


def test_memory_of_the_process_that_started_this_one_does_not_count() -> None:
    program = (
        "from monoglot.run.stage import Meter\n"
        "with Meter() as meter: pass\n"
        "print(meter.measured.peak_memory_bytes)"
    )
    block = np.ones(200 * MEBIBYTE, dtype=np.uint8)
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(child.stdout) < len(block)


def test_a_peak_of_a_moment_is_seen() -> None:
    program = (
        "from monoglot.run.stage import Meter\n"
        "with Meter() as before: pass\n"
        "with Meter() as meter: len(b'x' * (300 << 20))\n"
        "print(meter.measured.peak_memory_bytes - before.measured.peak_memory_bytes)"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(child.stdout) > 200 * MEBIBYTE


def test_time_of_child_processes_counts() -> None:
    program = "import time\nwhile time.process_time() < 0.3: pass"
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", program], check=True)
    assert meter.measured is not None
    assert meter.measured.cpu_seconds >= 0.28
