"""What to do next with a finished model: the command that trains its new rows, or how it is loaded."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monoglot.maths.mixture import Provenance
from monoglot.model.side_files import MODULES
from monoglot.options import field_names
from monoglot.reporting.content import NextStep
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.model_kind import kind_of
from monoglot.reporting.wording import shell_lines
from monoglot.run.layout import LAYOUT
from monoglot.settings import RunSettings
from monoglot.settings_text import command_line_options
from monoglot.training.schedule import SENTENCE_TOKENS_PER_NEW_ROW, TOKENS_PER_NEW_ROW, budget_tokens


def training_command(run: FinishedRun) -> str:
    """Give the command that trains the new rows; empty where there are none, or they were trained."""
    names, mixture = run.manifest.get("names", {}), run.mixture
    if mixture is None or "adapted" in run.manifest["stages"] or not {"source", "corpus"} <= set(names):
        return ""
    new = int((mixture.provenance != Provenance.COPIED).sum())
    if not new:
        return ""
    sentences = (run.output / MODULES).is_file()
    tokens = budget_tokens(new, SENTENCE_TOKENS_PER_NEW_ROW if sentences else TOKENS_PER_NEW_ROW)
    output = str(run.place)
    words = ["monoglot", "adapt", output, *names["corpus"], "--output", f"{output}-trained"]
    words += ["--tokens", f"{tokens // 1000}k"]
    if sentences:
        words += ["--teacher", run.source_name or names["source"]]
        if prefix := next((text["text"] for text in run.read(LAYOUT.kept).get("texts", ())), ""):
            words += ["--objective-options.prefix", prefix]
    return shlex.join([*words, *carried_options(run)])


def comparison_command(run: FinishedRun) -> str:
    """Give the command that compares a trained model with its original; empty if neither is recorded.

    The text is what the training held out, or the corpus if that is empty.
    """
    names = run.manifest.get("names", {})
    original = run.source_name or run.model_name
    heldout = run.folders[0] / LAYOUT.heldout
    if original is None:
        return ""
    has_heldout = heldout.is_file() and heldout.stat().st_size
    text = [str(run.place / LAYOUT.home / LAYOUT.heldout)] if has_heldout else names["corpus"]
    words = ["monoglot", "evaluate", str(run.place), *text, "--against", original]
    shared = (*COMPUTING, *(() if has_heldout else ("column",)))
    return shlex.join([*words, *carried_options(run, shared)])


COMPUTING = ("threads", "device", "trust_remote_code")
"""Options that say where and how is computed, which most commands have."""


def carried_options(run: FinishedRun, names: Sequence[str] | None = None) -> list[str]:
    """Give the options of a run that the next command needs as well, as words of a command line.

    Args:
        run: What it left behind.
        names: Which of the settings that all runs share; by default all.
    """
    kinds = run.manifest["settings"]
    given: Mapping[str, Any] = kinds.get("Settings") or next(iter(kinds.get("adapt", {}).values()), {})
    wanted = names if names is not None else field_names(RunSettings)
    return command_line_options({name: given.get(name) for name in wanted}, RunSettings())


def next_step(run: FinishedRun) -> NextStep:
    """Say what to do now: train new rows, or use the model."""
    command = training_command(run)
    mixture = run.mixture
    if command and mixture is not None:
        new = int((mixture.provenance != Provenance.COPIED).sum())
        return NextStep(
            f"Next: train the {new:,} new rows, which are initialized, but not trained.",
            shell_lines(shlex.split(command)),
        )
    return NextStep("Next: use it.", loading(run.output, str(run.place)))


def loading(output: Path, name: str) -> str:
    """Give the Python that loads a model.

    Args:
        output: Its folder, now.
        name: The folder's name in that code.
    """
    kind = kind_of(output)
    if kind.library == "sentence-transformers":
        return (
            f"from sentence_transformers import SentenceTransformer\n\nmodel = SentenceTransformer({name!r})"
        )
    return (
        f"from transformers import {kind.auto_class}, AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained({name!r})\n"
        f"model = {kind.auto_class}.from_pretrained({name!r})"
    )
