"""The model card: README.md with the metadata of the hub, unless the user wrote one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from monoglot import __version__
from monoglot.errors import ModelError
from monoglot.model.find import HUB_NAME
from monoglot.model.side_files import MODULES, transformer_folder
from monoglot.reporting.facts import Facts, changes, origins, summary_sentences, training_changes
from monoglot.run import LAYOUT, atomic_write
from monoglot.untrusted import read_foreign_json
from monoglot.visible import visible


@dataclass(frozen=True)
class CardFacts:
    """Metadata of the card.

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
        library_name=card.library,
        pipeline_tag=card.pipeline_tag,
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


TASKS = {
    "ForMaskedLM": ("AutoModelForMaskedLM", "fill-mask"),
    "ForPreTraining": ("AutoModelForPreTraining", "fill-mask"),
    "ForCausalLM": ("AutoModelForCausalLM", "text-generation"),
    "LMHeadModel": ("AutoModelForCausalLM", "text-generation"),
    "ForConditionalGeneration": ("AutoModelForSeq2SeqLM", None),
    "ForSequenceClassification": ("AutoModelForSequenceClassification", "text-classification"),
    "ForTokenClassification": ("AutoModelForTokenClassification", "token-classification"),
    "ForQuestionAnswering": ("AutoModelForQuestionAnswering", "question-answering"),
}
"""How a model is loaded and what it does, by the end of its class's name."""


def describe(output: Path, source: str, language: str | None) -> CardFacts:
    """Read from a folder what kind of model it holds.

    Args:
        output: The folder.
        source: What the user called the source model.
        language: Code of the language, if it is known.
    """
    content = read_foreign_json(transformer_folder(output) / "config.json", ModelError)
    architecture = (content.get("architectures") or [""])[0]
    known = (task for end, task in TASKS.items() if architecture.endswith(end))
    auto_class, pipeline_tag = next(known, ("AutoModel", "feature-extraction"))
    embeds_sentences = (output / MODULES).is_file()
    return CardFacts(
        language=language,
        base_model=source if is_hub_name(source) else None,
        library="sentence-transformers" if embeds_sentences else "transformers",
        auto_class=auto_class,
        pipeline_tag="sentence-similarity" if embeds_sentences else pipeline_tag,
        version=__version__,
    )


def is_hub_name(name: str) -> bool:
    """Whether a model was named as on the hub (``owner/model``) and is no folder of that name."""
    return "/" in name and HUB_NAME.fullmatch(name) is not None and not Path(name).exists()
