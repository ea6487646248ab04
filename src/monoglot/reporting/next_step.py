"""What to do next with a finished model: the command that trains its new rows, or how it is loaded."""

from __future__ import annotations

import shlex
from pathlib import Path

from monoglot.maths.mixture import Provenance
from monoglot.model.side_files import MODULES
from monoglot.reporting.content import NextStep
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.model_kind import kind_of
from monoglot.reporting.wording import shell_lines
from monoglot.run.layout import LAYOUT
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
        words += ["--teacher", names["source"]]
        if prefix := next((text["text"] for text in run.read(LAYOUT.kept).get("texts", ())), ""):
            words += ["--objective-options.prefix", prefix]
    return shlex.join(words)


def next_step(run: FinishedRun) -> NextStep:
    """Say what to do now: train new rows, or use the model."""
    command = training_command(run)
    mixture = run.mixture
    if command and mixture is not None:
        new = int((mixture.provenance != Provenance.COPIED).sum())
        return NextStep(
            f"Next: train the {new:,} new rows, which are mixed from old ones so far.",
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
