"""What every benchmark and experiment begins and ends with: arguments, data, and a result that can be judged.

A result carries machine, versions, date, commit and command line, so that it can be made again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from monoglot.device import device_of

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "results"
PACKAGES = ("monoglot", "torch", "numpy", "transformers", "tokenizers")
COMMON: dict[str, dict[str, Any]] = {
    "data": {"type": Path, "default": Path("../shared/data"), "help": "folder of corpora and tokenizers"},
    "models": {"type": Path, "default": Path("models"), "help": "folder of source models"},
    "language": {"help": "code of the language, a folder of the data"},
    "threads": {"type": int, "help": "number of threads"},
    "seed": {"type": int, "help": "seed of every random choice"},
}
"""Arguments that several commands have, with one meaning everywhere."""
READ = ("data", "models", "model", "original", "specialized", "corpus", "tokenizer")
"""Arguments that name what is read: it has to be there."""
WRITTEN = ("benchmarks/results", "docs", "experiments/*.json", "experiments/*.svg", "experiments/*.md")
"""What commands write: a result that is saved anew, row by row, is no change of the code that made it."""
MUST_BE_GIVEN: Any = object()


def parser(description: str | None, *names: str, **defaults: Any) -> argparse.ArgumentParser:
    """Make the parser of a command.

    Args:
        description: The docstring of its module.
        names: Common arguments that it has, with their usual defaults.
        defaults: Common arguments with a default of their own; ``MUST_BE_GIVEN`` for none.
    """
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in (*names, *defaults):
        settings = dict(COMMON[name])
        if defaults.get(name) is MUST_BE_GIVEN:
            settings["required"] = True
        elif name in defaults:
            settings["default"] = defaults[name]
        made.add_argument(f"--{name}", **settings)
    return made


def parse(made: argparse.ArgumentParser, *, checked: bool = True) -> argparse.Namespace:
    """Read the command line.

    Args:
        made: The parser.
        checked: Whether to refuse, in one sentence, a folder or file that is to be read and is not there.
    """
    arguments = made.parse_args()
    for name in READ if checked else ():
        path = getattr(arguments, name, None)
        if path is not None and not Path(path).exists():
            made.error(f"there is no {path}: say with --{name.replace('_', '-')} where it is")
    return arguments


def save(name: str, content: dict[str, Any], folder: Path | None = None) -> Path:
    """Write a result with all that is needed to judge it and to make it again.

    Args:
        name: Name of the file, without its suffix.
        content: The figures, with seeds and settings.
        folder: Where to write it; by default ``benchmarks/results``.

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
    path = (folder or FOLDER) / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    about = {"date": datetime.now(UTC).date().isoformat(), "commit": commit(), "command": command()}
    path.write_text(json.dumps({**about, "machine": machine, **content}, indent=2) + "\n", encoding="utf-8")
    return path


def commit() -> str:
    """The commit of this checkout, with ``+`` if anything but results was changed; empty outside of one."""
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        return ""
    difference = [*git, "diff", "--quiet", "HEAD", "--", ".", *(f":!{path}" for path in WRITTEN)]
    changed = subprocess.run(difference, capture_output=True, check=False).returncode
    return found.stdout.strip() + "+" * bool(changed)


def command() -> str:
    """The command line, as ``python -m`` and the module."""
    path = Path(sys.argv[0])
    below = path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path
    module = ".".join(below.with_suffix("").parts) if path.suffix == ".py" else path.name
    return shlex.join(["python", "-m", module, *sys.argv[1:]])


def device() -> str:
    """Where models are computed: the accelerator's name, else the processor's."""
    import torch

    if not torch.accelerator.is_available():
        return processor()
    return torch.cuda.get_device_name() if torch.cuda.is_available() else str(device_of(None))


def processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
