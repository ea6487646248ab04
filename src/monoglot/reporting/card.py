"""The model card: README.md with the metadata of the hub, unless the user wrote one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from monoglot import __version__
from monoglot.model.find import HUB_NAME
from monoglot.reporting.facts import Facts, changes, origins, summary_sentences, training_changes
from monoglot.reporting.model_kind import ModelKind, kind_of
from monoglot.run import LAYOUT, atomic_write
from monoglot.visible import visible


@dataclass(frozen=True)
class CardFacts:
    """Metadata of the card.

    Attributes:
        language: Code of the language, if it is known.
        base_model: Name of the source model on the hub, if it came from there.
        kind: How it is loaded, and what it is for.
        version: Version of monoglot.
    """

    language: str | None
    base_model: str | None
    kind: ModelKind
    version: str


def write_card(
    output: Path, facts: Facts, warnings: Sequence[str], language: str | None, *, on_hub: bool
) -> Path | None:
    """Write README.md, or write it again if nobody has changed it.

    Args:
        output: Folder of the model.
        facts: Figures of the run.
        warnings: What makes the embeddings doubtful.
        language: Code of the language, if it is known.
        on_hub: Whether the source model came from the hub, where its name means something to others.

    Returns:
        The card; ``None`` if there is a README that is not monoglot's, which is left alone.
    """
    path = output / LAYOUT.card
    if path.exists() and not is_untouched(path.read_text(encoding="utf-8", errors="replace")):
        return None
    with atomic_write(path) as file:
        file.write(write(facts, describe(output, facts.source if on_hub else "", language), warnings))
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
    data = ModelCardData(
        language=card.language,
        base_model=card.base_model,
        library_name=card.kind.library,
        pipeline_tag=card.kind.pipeline_tag,
        tags=["monoglot", "vocabulary-transfer", *(["focus"] if facts.method in ("focus", "blend") else [])],
    )
    text = environment.get_template("card.md.j2").render(
        metadata=data.to_yaml(),
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


def describe(output: Path, source: str, language: str | None) -> CardFacts:
    """Read from a folder what kind of model it holds.

    Args:
        output: The folder.
        source: What the user called the source model.
        language: Code of the language, if it is known.
    """
    return CardFacts(language, source if is_hub_name(source) else None, kind_of(output), __version__)


def is_hub_name(name: str) -> bool:
    """Whether a model was named as on the hub (``owner/model``) and is no folder of that name."""
    return "/" in name and HUB_NAME.fullmatch(name) is not None and not Path(name).exists()
