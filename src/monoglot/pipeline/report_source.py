"""The model that a run started from, looked for under the name that its user gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monoglot.errors import InputError, ModelError
from monoglot.model.source import Source, open_source
from monoglot.pipeline.report_artifacts import Artifacts
from monoglot.report.spelling import readable
from monoglot.tokenization.parts import Parts
from monoglot.tokenization.vocabulary import backend_of


@dataclass(frozen=True)
class FoundSource:
    """A source model, or why there is none.

    Attributes:
        model: The model, if it was found.
        reason: Why not; empty if it was.
    """

    model: Source | None
    reason: str = ""


def find_source(artifacts: Artifacts, name: str | None = None) -> FoundSource:
    """Open the source model of a run.

    Args:
        artifacts: What the run left behind.
        name: Folder or hub name, if it is elsewhere than it was.

    Raises:
        ModelError: If the user named a model, and it can't be used or is not the one.
    """
    recorded = artifacts.origin.get("names", {}).get("source")
    if name is None and recorded is None:
        return FoundSource(None, "the run has not recorded its name; give it with --source")
    try:
        source = open_source(name or recorded, trust_remote_code=artifacts.trust_remote_code)
        _ = source.embeddings  # what can't be read is noticed here
        _check_same(artifacts, source)
        return FoundSource(source)
    except InputError as error:
        if name is not None:
            raise
        return FoundSource(None, f"{error}; if it is elsewhere, say so with --source")


def compared_with(artifacts: Artifacts, found: FoundSource, given: str | Source | None) -> Source:
    """The model to measure a run's model against: its source, or what was trained if no vocabulary changed.

    Raises:
        ModelError: If it is not at hand.
    """
    if found.model is not None:
        return found.model
    name = given if isinstance(given, str) else artifacts.manifest.get("names", {}).get("model")
    if name is None or artifacts.mixture is not None:
        raise ModelError(f"there is no source model to measure against ({found.reason})")
    return open_source(name, trust_remote_code=artifacts.trust_remote_code)


def speller(source: Source | None) -> Callable[[int], str]:
    """What gives the spelling of a source id for people: its number where the source is not at hand."""
    if source is None:
        return "#{}".format
    backend = backend_of(source.tokenizer)
    byte_level = Parts.of(backend).has("ByteLevel")

    def spell(id: int) -> str:
        text = backend.id_to_token(id)
        return f"#{id}" if text is None else readable(text, byte_level=byte_level)

    return spell


def _check_same(artifacts: Artifacts, source: Source) -> None:
    expected = artifacts.origin["stages"]["overlap"]["inputs"]["source"]
    if source.tokenizer_key != expected:
        raise ModelError(
            f"the tokenizer of '{source.name}' is not the one that {artifacts.place} was made from: give "
            "the model that specialize was given"
        )
