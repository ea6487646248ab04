"""The figures of a run, and the sentences and tables that page and model card share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from monoglot.evaluation.quality import Quality
from monoglot.model.side_files import transformer_folder
from monoglot.model.source import Source
from monoglot.model.stored_tensors import weight_files
from monoglot.reporting.content import Change, Origin
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.summary import NO_TOKENS, Scores, Share, diagnose, kept_warnings
from monoglot.reporting.verdict import Answer, answers, quality_answer
from monoglot.reporting.wording import (
    PROVENANCE_COLORS,
    PROVENANCE_MEANINGS,
    counted,
    file_size,
    points,
    provenance_name,
    relative,
)
from monoglot.run.layout import LAYOUT


@dataclass(frozen=True)
class Facts:
    """The figures of a finished run.

    Attributes:
        source: What the user called the source model; empty if that was not recorded.
        output: Name of the output folder.
        mode: ``replace``, ``extend``, ``trim`` or ``graft``; empty if the vocabulary was left as it was.
        method: The initialization method.
        vectors: What made the auxiliary vectors.
        scores: Size and fit before and after; ``None`` if the vocabulary was left as it was.
        corpus: Statistics of the corpus.
        sizes_bytes: Bytes of the weights before and after; ``None`` where they are not available.
        objective: What training learned; empty if there was none.
        training: What ``training.json`` says.
        metrics: Lines of ``metrics.jsonl``.
        evaluation: What ``evaluation.json`` says: the model beside its source on held-out text.
        quality: What the run measured of both at its end; ``None`` if it did not.
    """

    source: str
    output: str
    mode: str
    method: str
    vectors: str
    scores: Scores | None
    corpus: Mapping[str, int]
    sizes_bytes: tuple[int | None, int | None] = (None, None)
    objective: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, float]] = ()
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    quality: Quality | None = None

    @property
    def source_name(self) -> str:
        """The last part of the source's name."""
        return self.source.rstrip("/").rpartition("/")[2] or "the source model"

    def of(self, provenance: str) -> Share:
        """Tokens and shares of one provenance."""
        return self.scores.provenance.get(provenance, NO_TOKENS) if self.scores else NO_TOKENS


def gather(run: FinishedRun, source: Source | None) -> Facts:
    """Gather the figures of a run.

    Args:
        run: What it left behind.
        source: The source model, if it is available.
    """
    settings, names = run.settings, run.manifest.get("names", {})
    name = run.origin.get("names", {}).get("source") or names.get("model") or ""
    recipe = run.manifest["stages"].get("adapted", {}).get("settings", {})
    return Facts(
        source=source.name if source else name,
        output=run.place.resolve().name,
        mode=settings.get("mode", ""),
        method=settings.get("method", ""),
        vectors=settings.get("vectors", ""),
        scores=run.scores,
        corpus=run.read(LAYOUT.corpus).get("statistics", {}),
        sizes_bytes=(weights_bytes(source.folder) if source else None, weights_bytes(run.output)),
        objective=recipe.get("objective") or "",
        training=run.training,
        metrics=run.metrics,
        evaluation=run.evaluation,
        quality=run.quality,
    )


def weights_bytes(folder: Path) -> int:
    """Give the size of a model's weight files."""
    return sum(path.stat().st_size for path in weight_files(transformer_folder(folder)))


def summary_sentences(facts: Facts) -> list[str]:
    """Describe in sentences what was done."""
    told = []
    if facts.scores:
        old, new = facts.scores.vocabulary
        told.append(_beginning(facts, old, new))
        told += _origins(facts)
        before, after = (scores["tokens"] for scores in facts.scores.tokenizers)
        if before:
            more = "fewer" if after <= before else "more"
            told.append(f"The same held-out text takes {abs(1 - after / before):.1%} {more} tokens.")
        else:
            told.append("The text is too short to hold out a line, so nothing was compared.")
    if facts.training:
        seen = f"{facts.training['tokens']:,} tokens in {counted(facts.training['steps'], 'step')}"
        then = "It was then trained" if facts.scores else f"monoglot trained {facts.source_name}"
        told.append(f"{then} by {facts.objective} on {seen}.")
    elif facts.scores:
        told.append("All other weights are unchanged from the source; the model has not been trained since.")
    return told


def _beginning(facts: Facts, old: int, new: int) -> str:
    text = f"{file_size(facts.corpus['bytes'])} of text ({facts.corpus['lines']:,} lines)"
    if facts.mode == "trim":
        return f"monoglot kept {new:,} of the {old:,} tokens of {facts.source_name}: those needed for {text}."
    if facts.mode == "graft":
        copied = facts.of("copied").tokens
        return (
            f"From {text}, monoglot made a vocabulary of {new:,} tokens: {copied:,} of the {old:,} of "
            f"{facts.source_name}, unchanged, and {new - copied:,} new tokens that shorten the text."
        )
    if facts.mode == "extend":
        added = new - old
        return f"monoglot added {added:,} tokens, learned from {text}, to the {old:,} of {facts.source_name}."
    return (
        f"monoglot gave {facts.source_name} a vocabulary of {new:,} tokens, learned from {text}, instead of "
        f"its {old:,}."
    )


def _origins(facts: Facts) -> list[str]:
    copied, mixed = facts.of("copied"), facts.of("method")
    told = []
    if facts.mode == "graft" and copied.tokens:
        told.append(f"The tokens that were kept make up {copied.corpus_share:.1%} of the running text.")
    elif facts.mode != "trim" and copied.tokens:
        told.append(
            f"{copied.tokens:,} tokens exist in the source and kept their embeddings; they make up "
            f"{copied.corpus_share:.1%} of the running text."
        )
    if mixed.tokens:
        by = provenance_name("method", facts.method).removeprefix("initialized by ")
        told.append(
            f"The embeddings of {mixed.tokens:,} new tokens ({mixed.corpus_share:.1%}) were computed "
            f"from those of existing tokens by {by}."
        )
    return told


def verdict(facts: Facts) -> list[Answer]:
    """Give the answers that the page begins with: size, tokens per word, quality."""
    trained = bool(facts.training)
    measured = facts.quality is not None and not facts.quality.skipped
    if facts.scores is None:
        return [quality_answer(facts.quality, trained=trained)] if measured else _of_training(facts)
    before, after = (fit["fertility"] for fit in facts.scores.tokenizers)
    known = measured or not trained
    found = list(answers(facts.scores.parameters, (before, after), facts.quality, trained=trained))
    return found if known else [*found[:-1], *_of_training(facts)]


def _of_training(facts: Facts) -> list[Answer]:
    """Give the first figure of held-out text that was measured during training."""
    changes = [row for row in training_changes(facts) if row.name != TRAINING_LOSS]
    return [
        Answer(
            "quality",
            row.before,
            row.after,
            row.change,
            f"{row.name}, before and after training",
            f"{row.name} {row.before} → {row.after} ({row.change})",
        )
        for row in changes[:1]
    ]


TOKENIZER_ROWS = {
    "fertility": ("tokens per word", "{:.3f}", "on held-out text; fewer is faster"),
    "bytes_per_token": ("bytes per token", "{:.2f}", "on held-out text; more is faster"),
}


def changes(facts: Facts) -> list[Change]:
    """Give the table of before and after."""
    rows = []
    if facts.scores:
        rows.append(_change("parameters", facts.scores.parameters, "{:,.0f}"))
        rows.append(_change("vocabulary", facts.scores.vocabulary, "{:,.0f}"))
    old, new = facts.sizes_bytes
    if new is not None:
        rows.append(
            Change("weights on disk", file_size(old) if old else "", file_size(new), relative(old or 0, new))
        )
    if facts.scores:
        both = facts.scores.tokenizers
        rows += [
            replace(_change(title, [fit[name] for fit in both], form), meaning=meaning)
            for name, (title, form, meaning) in TOKENIZER_ROWS.items()
        ]
        lost = [fit["unknown_share"] for fit in both]
        rows.append(
            Change(
                "text lost",
                f"{lost[0]:.3%}",
                f"{lost[1]:.3%}",
                points(*lost),
                "share of the held-out text's bytes that become unknown tokens",
            )
        )
    return rows + _quality(facts.evaluation)


def _change(name: str, values: Sequence[float], form: str) -> Change:
    before, after = values
    return Change(name, form.format(before), form.format(after), relative(before, after))


def _quality(evaluation: Mapping[str, Any]) -> list[Change]:
    """Give what was measured of both models on the same held-out lines, the source last."""
    if not evaluation:
        return []
    rows = []
    after, before = evaluation["text"]
    over = f"{after['tokenizer']['lines']} held-out lines"
    if before["language"] and after["language"]:
        bits = [each["language"]["bits_per_byte"] for each in (before, after)]
        rows.append(_change(f"bits per byte, {over}", bits, "{:.3f}"))
    if evaluation["cosine"] is not None:
        name = f"sentence vectors: cosine to the original's, {over}"
        rows.append(Change(name, "1", f"{evaluation['cosine']:.3f}", ""))
    speeds = [evaluation["speed"][which]["lines_per_second"] for which in ("against", "model")]
    return [*rows, _change("lines read per second, side by side", speeds, "{:,.0f}")]


NOT_SHOWN = ("step", "tokens", "gradient_norm", "learning_rate")
"""What a line of metrics has beside loss and held-out figures."""


TRAINING_LOSS = "training loss"


def measurements(facts: Facts) -> dict[str, list[tuple[float, float]]]:
    """Give what was measured during training, by title: tokens seen and value."""
    names = dict.fromkeys(name for line in facts.metrics for name in line if name not in NOT_SHOWN)
    return {
        TRAINING_LOSS if name == "loss" else f"{name.replace('_', ' ')}, held-out text": [
            (line["tokens"], line[name]) for line in facts.metrics if name in line
        ]
        for name in names
    }


def training_changes(facts: Facts) -> list[Change]:
    """Give held-out figures at the start and end of training; the loss of batches if there are none."""
    found = measurements(facts)
    return [
        _change(title, (points[0][1], points[-1][1]), "{:.4f}")
        for title, points in found.items()
        if title != TRAINING_LOSS or len(found) == 1
    ]


def origins(facts: Facts) -> list[Origin]:
    """Give the number of rows by provenance, in the order of the page."""
    return [
        Origin(
            provenance_name(name, facts.method),
            color,
            facts.of(name).tokens,
            facts.of(name).vocabulary_share,
            facts.of(name).corpus_share,
            PROVENANCE_MEANINGS[name],
        )
        for name, color in PROVENANCE_COLORS.items()
        if facts.of(name).tokens
    ]


def warnings(run: FinishedRun) -> list[str]:
    """Give warnings about embeddings, tokenizer and training."""
    kept = run.read(LAYOUT.kept)
    of_tokenizer = kept_warnings(kept) if kept else ()
    of_training = [*of_tokenizer, *run.training.get("warnings", ())]
    if run.scores is None:
        return of_training
    anchors, unknown = run.read(LAYOUT.anchors) or None, run.scores.tokenizers[1]["unknown_share"]
    return [*diagnose(run.scores.provenance, anchors, unknown, run.settings), *of_training]


def subtitle(run: FinishedRun) -> str:
    """Give the version of monoglot and the day of the run."""
    version = run.manifest["versions"]["monoglot"]
    started = run.read(LAYOUT.measured).get("started")
    day = datetime.fromisoformat(started) if started else None
    when = f", {day.day} {day:%B %Y}" if day else ""
    return f"monoglot {version}{when}"
