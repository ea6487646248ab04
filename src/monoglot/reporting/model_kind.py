"""What kind of model a folder holds: how it is loaded, and what the hub offers to do with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monoglot.errors import ModelError
from monoglot.model.side_files import MODULES, transformer_folder
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


@dataclass(frozen=True)
class ModelKind:
    """The kind of a model.

    Attributes:
        library: What the model is loaded with: ``transformers`` or ``sentence-transformers``.
        auto_class: The class of transformers that loads it.
        pipeline_tag: What the hub offers to do with it, if that is clear.
    """

    library: str
    auto_class: str
    pipeline_tag: str | None

    @property
    def embeds_sentences(self) -> bool:
        """Whether it gives sentence vectors."""
        return self.library == "sentence-transformers"


def kind_of(output: Path) -> ModelKind:
    """Read from a folder what kind of model it holds."""
    content = read_foreign_json(transformer_folder(output) / "config.json", ModelError)
    architecture = (content.get("architectures") or [""])[0]
    known = (task for end, task in TASKS.items() if architecture.endswith(end))
    auto_class, pipeline_tag = next(known, ("AutoModel", "feature-extraction"))
    if (output / MODULES).is_file():
        return ModelKind("sentence-transformers", auto_class, "sentence-similarity")
    return ModelKind("transformers", auto_class, pipeline_tag)
