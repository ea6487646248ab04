"""Results as JSON files, with all that is needed to judge them."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("monoglot", "torch", "numpy", "transformers", "tokenizers")


def save(name: str, content: dict[str, Any]) -> Path:
    """Write the result of a benchmark.

    Args:
        name: Name of the benchmark.
        content: Its figures.

    Returns:
        The file.
    """
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
    }
    path = FOLDER / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    date = datetime.now(UTC).date().isoformat()
    path.write_text(
        json.dumps({"date": date, "machine": machine, **content}, indent=2) + "\n", encoding="utf-8"
    )
    return path


def processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
