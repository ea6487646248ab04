"""The metadata of a model card, as the hub reads it: origin, license, what was done, what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCardData

from monoglot import __version__
from monoglot.corpus.files import could_be_hub_name
from monoglot.errors import InputError
from monoglot.evaluation.quality import COSINE, Quality
from monoglot.model.find import HUB_NAME, find_here
from monoglot.model.pooling import read_prefix
from monoglot.model.side_files import transformer_folder
from monoglot.reporting.facts import Facts
from monoglot.reporting.finished_run import FinishedRun
from monoglot.reporting.model_kind import ModelKind, kind_of
from monoglot.run import LAYOUT


@dataclass(frozen=True)
class CardFacts:
    """Metadata of the card.

    Attributes:
        kind: How the model is loaded, and what it is for.
        language: Code of the language, if it is known.
        base_model: Name of the source model on the hub, if it came from there or was named.
        license: The source's license, as its card names it; ``None`` if that is unknown.
        datasets: Hub datasets of the corpus.
        prompts: Texts that the model is given in front of others.
        default_prompt: The one that sentence-transformers puts there by itself; empty if none.
        version: Version of monoglot.
    """

    kind: ModelKind
    language: str | None = None
    base_model: str | None = None
    license: str | None = None
    datasets: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    default_prompt: str = ""
    version: str = __version__


def describe(
    run: FinishedRun, source: Path | None, language: str | None, base_model: str | None
) -> CardFacts:
    """Gather the metadata of a finished run.

    Args:
        run: What the run left behind.
        source: Folder of the source model, if it is available.
        language: Code of the language, if it is known.
        base_model: What the user called the source on the hub.
    """
    first = run.origin or run.manifest
    names = first.get("names", {})
    given = names.get("source") or names.get("model", "")
    known = given if names.get("hub") else ""
    source = source or _folder_of(run.source_name or run.model_name)
    base = base_model or run.settings.get("base_model") or (known if is_hub_name(known) else None)
    texts = [text["text"] for text in run.read(LAYOUT.kept).get("texts", ())]
    given = [*names.get("corpus", ()), *run.manifest.get("names", {}).get("corpus", ())]
    datasets = (name.partition(":")[0] for name in given if "/" in name and could_be_hub_name(name))
    facts = CardFacts(kind_of(run.output), language, base, license_of(source), tuple(dict.fromkeys(datasets)))
    # A chat template's texts are prompts too, but nobody puts them in front of a text.
    if not facts.kind.embeds_sentences:
        return facts
    return replace(facts, prompts=tuple(texts), default_prompt=read_prefix(run.output))


def _folder_of(model: str | None) -> Path | None:
    """Find the folder of a model that a run recorded; ``None`` if it is not on this machine any more."""
    try:
        return find_here(model) if model else None
    except InputError:
        return None


def license_of(source: Path | None) -> str | None:
    """Read the license that a model's card names; ``None`` if there is no card, or it names none."""
    if source is None:
        return None
    for folder in dict.fromkeys((source, transformer_folder(source))):
        found = head_of(folder / "README.md").get("license")
        if isinstance(found, str) and found.strip():
            return found.strip()
    return None


def head_of(card: Path) -> Mapping[str, Any]:
    """Read the metadata at the head of a card; nothing if there are none, or they are damaged."""
    if not card.is_file():
        return {}
    parts = card.read_text(encoding="utf-8", errors="replace").split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        return {}
    try:
        found = yaml.safe_load(parts[1])
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def metadata(card: CardFacts, facts: Facts) -> str:
    """Write the metadata as YAML."""
    measured = results(facts.quality, card)
    data = ModelCardData(
        language=card.language,
        license=card.license,
        base_model=card.base_model,
        datasets=list(card.datasets) or None,
        library_name=card.kind.library,
        pipeline_tag=card.kind.pipeline_tag,
        tags=tags(facts),
        model_name=facts.output if measured else None,
        eval_results=measured,
    )
    return data.to_yaml()


FOCUS_METHODS = ("focus", "focus-reference", "blend", "regression")
"""Methods that use FOCUS, alone or as a part."""

MODE_TAGS = {
    "trim": ("vocabulary-trimming",),
    "graft": ("vocabulary-trimming", "vocabulary-extension"),
    "extend": ("vocabulary-extension",),
    "replace": ("vocabulary-transfer",),
}


def tags(facts: Facts) -> list[str]:
    """Name what was done: to the vocabulary, by which method if any row is mixed, by which training."""
    found = ["monoglot", *MODE_TAGS.get(facts.mode, ())]
    if uses_focus(facts):
        found.append("focus")
    if facts.training:
        found.append("distillation" if facts.objective.startswith("distill") else "continued-pretraining")
    return found


def uses_focus(facts: Facts) -> bool:
    """Whether FOCUS was used for any row."""
    return facts.method in FOCUS_METHODS and facts.of("method").tokens > 0


def results(quality: Quality | None, card: CardFacts) -> list[EvalResult] | None:
    """Give what was measured on held-out text in the hub's form; nothing if nothing was."""
    if quality is None or not quality.measure:
        return None
    of_vectors = quality.measure == COSINE
    name = "mean cosine to the sentence vectors of the original" if of_vectors else "bits per byte"
    return [
        EvalResult(
            task_type=card.kind.pipeline_tag or "text-generation",
            dataset_type="held-out-text",
            dataset_name=f"{quality.lines} held-out lines of the corpus",
            metric_type=quality.measure,
            metric_value=round(quality.after, 4),
            metric_name=name,
        )
    ]


def is_hub_name(name: str) -> bool:
    """Whether a model was named as on the hub (``owner/model``) and is not a folder of that name."""
    return "/" in name and HUB_NAME.fullmatch(name) is not None and not Path(name).exists()
