"""The figures of a finished run, gathered from its artefacts."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from monoglot.model.side_files import transformer_folder
from monoglot.model.source import Source
from monoglot.model.stored_tensors import weight_files
from monoglot.pipeline.adapt_settings import AdaptSettings
from monoglot.pipeline.command_line import flags
from monoglot.pipeline.diagnostics import diagnose
from monoglot.pipeline.kept import KEPT, kept_warnings
from monoglot.pipeline.report_artifacts import Artifacts
from monoglot.pipeline.settings import Settings
from monoglot.pipeline.summary import Share
from monoglot.report.content import Table
from monoglot.report.facts import Facts
from monoglot.report.wording import STAGES, duration, file_size, shell_lines
from monoglot.training.schedule import TrainingSettings

DEFAULTS: dict[str, Settings | AdaptSettings | TrainingSettings] = {
    each.__name__: each() for each in (Settings, AdaptSettings, TrainingSettings)
}


def gather(artifacts: Artifacts, source: Source | None) -> Facts:
    """Gather the figures of a run.

    Args:
        artifacts: What it left behind.
        source: The source model, if it is at hand.
    """
    settings, names = artifacts.settings, artifacts.manifest.get("names", {})
    name = artifacts.origin.get("names", {}).get("source") or names.get("model") or ""
    recipe = artifacts.manifest["stages"].get("adapted", {}).get("settings", {})
    return Facts(
        source=source.name if source else name,
        output=artifacts.place.resolve().name,
        mode=settings.get("mode", ""),
        method=settings.get("method", ""),
        vectors=settings.get("vectors", ""),
        scores=artifacts.read("scores/scores.json"),
        corpus=artifacts.read("corpus/corpus.json").get("statistics", {}),
        sizes_bytes=(weights_bytes(source.folder) if source else None, weights_bytes(artifacts.output)),
        objective=recipe.get("objective") or "",
        training=artifacts.training,
        metrics=artifacts.metrics,
        evaluation=artifacts.evaluation,
    )


def weights_bytes(folder: Path) -> int:
    """How large the files of a model's weights are."""
    return sum(path.stat().st_size for path in weight_files(transformer_folder(folder)))


def warnings(artifacts: Artifacts) -> list[str]:
    """What makes the embeddings doubtful, or is to be known of the tokenizer or the training."""
    kept = artifacts.read(f"tokenizer/{KEPT}")
    of_tokenizer = kept_warnings(kept) if kept else ()
    of_training = [*of_tokenizer, *artifacts.training.get("warnings", ())]
    scores = artifacts.read("scores/scores.json")
    shares = scores.get("provenance")
    unknown = scores["tokenizers"][1]["unknown_share"] if scores.get("tokenizers") else 0.0
    if not shares:
        return of_training
    provenance = {name: Share(**share) for name, share in shares.items()}
    return [
        *diagnose(provenance, artifacts.read("mixture/anchors.json") or None, unknown, artifacts.settings),
        *of_training,
    ]


def costs(artifacts: Artifacts) -> Table | None:
    """What each stage of the last run cost."""
    measured = artifacts.read("measured.json").get("stages", {})
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
    return Table(head[:width], [row[:width] for row in rows])


def comparison(artifacts: Artifacts) -> Table | None:
    """The scoreboard of `compare`, if its ``comparison.json`` has been put beside the model."""
    found = artifacts.comparison
    if not found:
        return None
    text = "heldout"
    rows = [
        (
            f"{one['name']} (control)" if one["control"] else one["name"],
            f"{one['vocabulary']:,}",
            *(_spread(one[when].get(text)) for when in ("start", "end")),
        )
        for one in found["contestants"]
    ]
    measure = found["measure"].replace("_", " ")
    return Table(("method", "vocabulary", f"{measure}, untrained", f"{measure}, trained"), rows)


def comparison_picture(artifacts: Artifacts) -> str:
    """The curves of that comparison as an address that holds the drawing itself; empty if there are none."""
    if not artifacts.curves:
        return ""
    return f"data:image/svg+xml;base64,{base64.b64encode(artifacts.curves.encode()).decode()}"


def _spread(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "–"
    return f"{figure['mean']:.3f}" + (f" ± {figure['std']:.3f}" if figure["std"] else "")


def subtitle(artifacts: Artifacts) -> str:
    """When and by what the output was made."""
    version = artifacts.manifest["versions"]["monoglot"]
    started = artifacts.read("measured.json").get("started")
    day = datetime.fromisoformat(started) if started else None
    when = f", {day.day} {day:%B %Y}" if day else ""
    return f"monoglot {version}{when}"


def settings_by_group(artifacts: Artifacts) -> dict[str, dict[str, str]]:
    """All settings as texts, those of training apart."""
    found: dict[str, Any] = artifacts.manifest["settings"]
    if "Settings" in found:
        return {"Settings": _texts(found["Settings"])}
    names = {"adapt": "Settings", "training": "Training"}
    return {names.get(key, key): _texts(next(iter(value.values()))) for key, value in found.items()}


def hashes(artifacts: Artifacts) -> dict[str, str]:
    """Content hashes of the inputs, and of what each stage made."""
    manifest = artifacts.manifest
    made = {STAGES.get(name, name): stage["content_key"] for name, stage in manifest["stages"].items()}
    return {**manifest["inputs"], **made}


def command(artifacts: Artifacts) -> str:
    """What to type to make the output again; what was typed, if the names of the inputs are not recorded."""
    manifest = artifacts.manifest
    names = manifest.get("names", {})
    if "corpus" not in names:
        return shell_lines(shlex.split(artifacts.read("measured.json").get("command", "")))
    verb, model = ("specialize", names["source"]) if "source" in names else ("adapt", names["model"])
    kinds = manifest["settings"]
    chosen = kinds if "Settings" in kinds else {k: v for each in kinds.values() for k, v in each.items()}
    words = ["monoglot", verb, model, *names["corpus"], "--output", artifacts.place.name]
    for kind, values in chosen.items():
        words += flags(values, DEFAULTS[kind])
    return shell_lines(words)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Settings as a person reads them."""
    return {name.replace("_", " "): _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)
