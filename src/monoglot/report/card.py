"""The model card: README.md with the hub's metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from huggingface_hub import ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from monoglot.report.facts import Facts, changes, origins, story, training_changes
from monoglot.visible import visible

MARK = "<!-- monoglot writes this file again as long as nobody else has changed it: "


@dataclass(frozen=True)
class CardFacts:
    """What only the card needs.

    Attributes:
        language: Code of the language, if it is known.
        base_model: Name of the source model on the hub, if it came from there.
        library: What the model is loaded with: ``transformers`` or ``sentence-transformers``.
        auto_class: The class of transformers that loads it.
        pipeline_tag: What the hub offers to do with it, if that is clear.
        version: Version of monoglot.
    """

    language: str | None
    base_model: str | None
    library: str
    auto_class: str
    pipeline_tag: str | None
    version: str


def write(facts: Facts, card: CardFacts, warnings: Sequence[str]) -> str:
    """Write the card as Markdown under YAML, and a mark by which `is_untouched` knows it."""
    environment = Environment(
        loader=PackageLoader("monoglot.report", "template"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = plain
    data = ModelCardData(
        language=card.language,
        base_model=card.base_model,
        library_name=card.library,
        pipeline_tag=card.pipeline_tag,
        tags=["monoglot", "vocabulary-transfer", *(["focus"] if facts.method in ("focus", "blend") else [])],
    )
    text = environment.get_template("card.md.j2").render(
        metadata=data.to_yaml(),
        facts=facts,
        card=card,
        story=story(facts),
        changes=changes(facts),
        training=training_changes(facts),
        origins=origins(facts),
        warnings=warnings,
    )
    return f"{text}{MARK}{_digest(text)} -->\n"


def is_untouched(text: str) -> bool:
    """Whether a README is a card that `write` wrote and nobody has changed."""
    body, mark, rest = text.rpartition(MARK)
    return bool(mark) and rest == f"{_digest(body)} -->\n"


def plain(text: str) -> str:
    """Text whose characters mean nothing in Markdown, HTML or a terminal, and that stays in its line."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in visible(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
