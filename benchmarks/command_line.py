"""Write docs/cli.md, and the list of keys that ``--help`` shows, from the commands themselves.

    python -m benchmarks.command_line

No measurement: tests/benchmarks/test_command_line.py fails when what is written is not current.
"""

from __future__ import annotations

import re
from pathlib import Path

from transformers import AttentionInterface

from benchmarks import head
from benchmarks.pages import DOCS
from monoglot._hf import recorder_names
from monoglot.cli import app
from monoglot.cli.nested import FILE, FOR, Key, Listed, epilogue, keys_of, read_list
from monoglot.evaluation.registry import TASKS, task_names
from monoglot.initialization.registry import METHODS
from monoglot.registry import Registry
from monoglot.settings import AdaptSettings, RunSettings
from monoglot.training.registry import OBJECTIVES
from monoglot.training.schedule import TrainingSettings
from monoglot.vectors.registry import ENGINES

PAGE = DOCS / "cli.md"
HEAD = """# Command line

Written by `python -m benchmarks.command_line` from the commands themselves; `monoglot COMMAND --help` says
the same. Whole numbers may end in `k`, `M` or `G` (`--adapt-tokens 250k`). `--config FILE` reads options from
TOML or YAML, by their names here without dashes before them; every run writes its own as
`OUT/monoglot/run.toml`. Options that end in `-options` have keys, which are listed [below](#keys-of-options).
"""


def nested_keys() -> dict[str, dict[str, list[Key]]]:
    """List the keys of all options that have some."""
    shared = {*RunSettings.__dataclass_fields__, "teacher"}
    adapt = [key for key in keys_of(AdaptSettings) if key.name not in shared]
    training = [key for key in keys_of(TrainingSettings) if key.name != "tokens"]
    return {
        "method-options": _keys(METHODS),
        "vectors-options": _keys(ENGINES),
        "objective-options": _keys(OBJECTIVES),
        "adapt-options": {"": adapt + training},
    }


def _keys(registry: Registry) -> dict[str, list[Key]]:
    """The keys of each class that comes with monoglot."""
    own = {name: registry[name] for name in registry}
    return {name: keys_of(cls) for name, cls in own.items() if cls.__module__.startswith("monoglot.")}


def keys_file() -> str:
    """The file of keys."""
    return Listed(
        nested_keys(),
        task_names(),
        fine_tuned=[name for name in TASKS if hasattr(TASKS[name], "prepare")],
        untrained=[name for name in TASKS if hasattr(TASKS[name], "compare")],
        with_teacher=[name for name in OBJECTIVES if OBJECTIVES[name].needs_teacher],
        attentions=sorted({"eager", *AttentionInterface().valid_keys()}),
        recorders=recorder_names(),
    ).content


def page() -> str:
    """The page of all commands."""
    found = app.generate_docs(heading_level=1)
    commands = found[found.index("## monoglot specialize") :]
    commands = re.sub(r"(?m)^monoglot (\S+) \1 ", r"monoglot \1 ", commands)
    keys = f"## Keys of options\n\n{epilogue(*FOR)}"
    return f"{HEAD}\n{commands.replace('## monoglot ', '## ').strip()}\n\n{keys}\n"


def main() -> None:
    """Write both."""
    head.parse(head.parser(__doc__))
    Path(str(FILE)).write_text(keys_file(), encoding="utf-8")
    read_list.cache_clear()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{FILE}\n{PAGE}")


if __name__ == "__main__":
    main()
