"""The model card: README.md with the metadata of the hub, unless the user wrote one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from monoglot.reporting.card_metadata import CardFacts, metadata, uses_focus
from monoglot.reporting.facts import (
    Facts,
    changes,
    origins,
    summary_sentences,
    training_changes,
    verdict,
)
from monoglot.reporting.finished_run import FinishedRun
from monoglot.run import LAYOUT, atomic_write
from monoglot.visible import visible


def write_card(run: FinishedRun, facts: Facts, warnings: Sequence[str], card: CardFacts) -> Path | None:
    """Write README.md, or write it again if nobody has changed it.

    Args:
        run: What the run left behind.
        facts: Figures of the run.
        warnings: What makes the embeddings doubtful.
        card: The metadata.

    Returns:
        The card; ``None`` if there is a README that is not monoglot's, which is left alone.
    """
    path = run.output / LAYOUT.card
    if path.exists() and not is_untouched(path.read_text(encoding="utf-8", errors="replace")):
        return None
    with atomic_write(path) as file:
        file.write(write(facts, card, warnings))
    return path


MARK = "<!-- monoglot writes this file again as long as nobody else has changed it: "


def is_untouched(text: str) -> bool:
    """Whether a README is a card that `write` wrote and nobody has changed."""
    body, mark, rest = text.rpartition(MARK)
    return bool(mark) and rest == f"{_digest(body)} -->\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(facts: Facts, card: CardFacts, warnings: Sequence[str]) -> str:
    """Write the card as Markdown under YAML, and a mark by which `is_untouched` knows it."""
    environment = Environment(
        loader=PackageLoader("monoglot.reporting", "template"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = plain
    text = environment.get_template("card.md.j2").render(
        metadata=metadata(card, facts),
        focus=uses_focus(facts),
        answers=verdict(facts),
        facts=facts,
        card=card,
        story=summary_sentences(facts),
        changes=changes(facts),
        training=training_changes(facts),
        origins=origins(facts),
        warnings=warnings,
    )
    return f"{text}{MARK}{_digest(text)} -->\n"


def plain(text: str) -> str:
    """Escape a text for Markdown, HTML and terminals, on one line."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in visible(text))
