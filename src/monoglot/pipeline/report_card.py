"""The model card of a run: README.md beside the weights, unless the user wrote one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monoglot import __version__
from monoglot.errors import ModelError
from monoglot.model.side_files import MODULES, transformer_folder
from monoglot.model.source import HUB_NAME
from monoglot.report.card import CardFacts, is_untouched, write
from monoglot.report.facts import Facts
from monoglot.run import atomic_write
from monoglot.run.output import CARD
from monoglot.untrusted import read_foreign_json

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
    path = output / CARD
    if path.exists() and not is_untouched(path.read_text(encoding="utf-8", errors="replace")):
        return None
    with atomic_write(path) as file:
        file.write(write(facts, describe(output, facts.source if on_hub else "", language), warnings))
    return path


def describe(output: Path, source: str, language: str | None) -> CardFacts:
    """Tell what kind of model lies in a folder.

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
