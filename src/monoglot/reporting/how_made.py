"""How was a run made: what each stage cost, its settings, versions, hashes, and the command for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from monoglot.reporting.content import TextTable
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.wording import STAGES, duration, file_size, shell_lines
from monoglot.run.layout import LAYOUT
from monoglot.settings import AdaptSettings, CompareSettings, Settings
from monoglot.settings_text import AnySettings, command_line_options
from monoglot.training.schedule import TrainingSettings

DEFAULTS: dict[str, AnySettings] = {
    each.__name__: each() for each in (Settings, AdaptSettings, CompareSettings, TrainingSettings)
}

WHOLE = {"Settings": "specialize", "CompareSettings": "compare"}
"""Commands whose settings are one dataclass, by its name; `adapt` has two."""


def sections(run: FinishedRun) -> dict[str, Any]:
    """Give the parts of a page that say how its run was made, by the names that `Page` has for them."""
    return {
        "costs": costs(run),
        "settings": settings_by_group(run),
        "versions": versions(run),
        "hashes": hashes(run),
        "command": command(run),
    }


def costs(run: FinishedRun) -> TextTable | None:
    """Give the cost of each stage of the last run."""
    measured = run.read(LAYOUT.measured).get("stages", {})
    if not measured:
        return None
    rows = [
        (
            STAGES.get(name, name),
            duration(cost["seconds"]),
            duration(cost["cpu_seconds"]),
            file_size(cost["peak_memory_bytes"]),
            "yes" if cost["reused"] else "",
        )
        for name, cost in measured.items()
    ]
    seconds = sum(cost["seconds"] for cost in measured.values())
    rows.append(("together", duration(seconds), "", "", ""))
    head = ("stage", "time", "processor", "peak memory", "done before")
    width = len(head) if any(row[-1] for row in rows) else len(head) - 1
    return TextTable(head[:width], [row[:width] for row in rows])


def settings_by_group(run: FinishedRun) -> dict[str, dict[str, str]]:
    """Give all settings as texts, those of training apart."""
    found: dict[str, Any] = run.manifest["settings"]
    for name in WHOLE:
        if name in found:
            return {"Settings": _texts(found[name])}
    names = {"adapt": "Settings", "training": "Training"}
    return {names.get(key, key): _texts(next(iter(value.values()))) for key, value in found.items()}


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Write settings for readers."""
    return {name.replace("_", " "): _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def versions(run: FinishedRun) -> dict[str, str]:
    """Give the versions of libraries."""
    return {name: version or "–" for name, version in run.manifest["versions"].items()}


def hashes(run: FinishedRun) -> dict[str, str]:
    """Give the content hashes of inputs and stages."""
    manifest = run.manifest
    made = {STAGES.get(name, name): stage["content_key"] for name, stage in manifest["stages"].items()}
    return {**manifest["inputs"], **made}


def command(run: FinishedRun) -> str:
    """Give the command that makes the output again."""
    manifest = run.manifest
    names = manifest.get("names", {})
    if "corpus" not in names:
        return shell_lines(shlex.split(run.read(LAYOUT.measured).get("command", "")))
    kinds = manifest["settings"]
    verb = next((WHOLE[name] for name in kinds if name in WHOLE), "adapt")
    model = names.get("source") or names["model"]
    chosen = kinds if verb != "adapt" else {k: v for each in kinds.values() for k, v in each.items()}
    words = ["monoglot", verb, model, *names["corpus"], "--output", run.place.name]
    for kind, values in chosen.items():
        words += command_line_options(values, DEFAULTS[kind])
    return shell_lines(words)
